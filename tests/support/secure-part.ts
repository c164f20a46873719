/** What a hospital of a secure test run brings, and where it can be stopped. */
import type { RunMemory } from '@consilium/hospital';
import type { HospitalRecord } from '@consilium/secagg';
import { waveUpdate } from './expected-head.js';

export const PARAMETERS = 15;

export type Said = NonNullable<HospitalRecord['open']>['said'];

const place = (hospital: string): number => hospital.charCodeAt(0);

export const partOf = (hospital: string) => ({
  examples: place(hospital) - 60,
  update: waveUpdate(place(hospital), PARAMETERS),
});

/** The same memory, with something between the record of a word and its sending: for ever, if it does not resolve. */
export function afterRecord(memory: RunMemory, said: Said, pause: () => Promise<unknown>): RunMemory {
  return new Proxy(memory, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value as () => unknown, target, args);
        if (name === 'writeSecure' && (args[1] as HospitalRecord).open?.said === said) await pause();
        return result;
      };
    },
  });
}
