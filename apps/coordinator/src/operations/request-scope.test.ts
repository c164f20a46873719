/**
 * Claims: the id of a request goes with its work, over every wait, and not with that of another; the line of an append that
 * failed names all requests whose events it held, and what the coordinator did by itself names none. Oracle: a log in memory.
 */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { RunRules } from '@consilium/rounds';
import { StoreError } from '@consilium/store';
import { systemClock } from '../run/clock.js';
import { DurableMachine } from '../run/durable-machine.js';
import { currentRequest, inRequest } from './request-scope.js';

const rules: RunRules = {
  roster: ['a', 'b'] as HospitalId[],
  ...{ rounds: 1, minHospitals: 1, gatherTimeoutMs: 1_000, roundTimeoutMs: 1_000, absenceGraceMs: 1_000 },
  initialModel: '0'.repeat(64) as Digest,
};

describe('inRequest', () => {
  it('keeps one request from another', async () => {
    const work = () =>
      inRequest(async (given) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { given, later: currentRequest() };
      });
    const [one, other] = await Promise.all([work(), work()]);
    expect(one.given).toMatch(/^[0-9a-f]{8}$/);
    expect(one.later).toBe(one.given);
    expect(other.later).toBe(other.given);
    expect(other.given).not.toBe(one.given);
    expect(currentRequest()).toBeUndefined();
  });
});

describe('an append that fails', () => {
  it('names the requests that wait for it', async () => {
    const lines: string[] = [];
    const batches: number[] = [];
    const machine = await DurableMachine.replay(
      'run',
      rules,
      {
        store: {
          // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, nothing is read
          events: async function* () {
            yield* [];
          },
          append: (_lease, _run, _seq, entries) => {
            batches.push(entries.length);
            // The first one is on its way when the others come, so they share the second, which fails once.
            if (batches.length === 2) return Promise.reject(new StoreError('STORE_FULL', 'x'));
            return Promise.resolve();
          },
        },
        lease: () => ({ holder: 'me', token: 1 }),
        clock: { ...systemClock, sleep: () => Promise.resolve() },
        log: pino({}, { write: (line: string) => lines.push(line) }),
        attach: () => ({}),
        perform: () => undefined,
        deposed: () => undefined,
        broken: () => undefined,
      },
      () => undefined,
    );
    const ids: string[] = [];
    const heard = (['a', 'b'] as HospitalId[]).map((hospitalId) =>
      inRequest((requestId) => {
        ids.push(requestId);
        return machine.accept({ type: 'consented', hospitalId });
      }),
    );
    await Promise.all([machine.accept({ type: 'pause' }), ...heard]);
    expect(batches).toEqual([1, 2, 2]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ run: 'run', code: 'STORE_FULL', requestIds: [ids[1]] });
  });
});
