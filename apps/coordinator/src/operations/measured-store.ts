/** A store whose appends are timed, and whose failures are counted: what a run waits for is its log. */
import { StoreError, type RunStore } from '@consilium/store';

export interface AppendObserver {
  /** @param seconds - of one append, also of one that failed. */
  readonly appended: (seconds: number, runId: string) => void;
  readonly failed: (code: StoreError['code']) => void;
}

/** @returns The same store in everything but the time that is taken. */
export function measuredStore(store: RunStore, { appended, failed }: AppendObserver): RunStore {
  const append: RunStore['append'] = async (...args) => {
    const startedMs = performance.now();
    try {
      await store.append(...args);
    } catch (error) {
      if (error instanceof StoreError) failed(error.code);
      throw error;
    } finally {
      appended((performance.now() - startedMs) / 1_000, args[1]);
    }
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'append') return append;
      const value: unknown = Reflect.get(target, name, target);
      // Private fields are found on the store itself only, not on what stands in for it.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
