/** Ends its own process at a chosen call, as a power cut would: nothing is flushed, nothing is said. */
import { writeSync } from 'node:fs';

/** Never returns to its caller. */
function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

export class Mortality {
  #calls = 0;
  readonly #when: string;
  readonly #at: number;

  /** @param death - `before:N`, `after:N`; anything else lives on. */
  constructor(death: string) {
    const [when = '', at] = death.split(':');
    this.#when = when;
    this.#at = Number(at);
  }

  get calls(): number {
    return this.#calls;
  }

  async during<T>(call: () => Promise<T>): Promise<T> {
    const number = ++this.#calls;
    if (this.#when === 'before' && number === this.#at) await die();
    const result = await call();
    // Done and durable, and nobody was told.
    if (this.#when === 'after' && number === this.#at) await die();
    return result;
  }
}

type Methods<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof T];

/** The same object, with these methods mortal. */
export function mortal<T extends object>(object: T, methods: readonly Methods<T>[], mortality: Mortality): T {
  return new Proxy(object, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value as () => unknown, target, args);
      if (!(methods as readonly PropertyKey[]).includes(name)) return call;
      return (...args: unknown[]) => mortality.during(() => call(...args) as Promise<unknown>);
    },
  });
}

/**
 * @param when - `SIGKILL@training`, or `SIGSTOP@training`: a process that is there and never says anything again.
 * @returns To be told of each moment.
 */
export function departure(when: string): (moment: string) => void {
  const [signal, chosen] = when.split('@');
  let isDue = true;
  return (moment) => {
    if (!isDue || moment !== chosen) return;
    isDue = false;
    writeSync(1, `${JSON.stringify({ event: 'leaves', moment })}\n`);
    process.kill(process.pid, signal);
  };
}
