/**
 * Claims: (1) no effect begins and nobody is answered before the event is in the log; (2) a store that does not answer is asked
 * the same again until it does; (3) a machine that loses its lease refuses what it was asked and performs nothing; (4) one that
 * is parked while its event is being written performs nothing either, although the event may be in the log; (5) a replay of
 * the log is the state that it left; (6) a log that cannot be written, or a defect, stops this machine and deposes nobody; a store
 * that only a newer program may write deposes. Oracle: a store that is an array, and notes the order of what happens.
 */
import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { CoordinatorEvent, RunRules } from '@consilium/rounds';
import { StoreError, type Entry } from '@consilium/store';
import { DurableMachine, type MachinePorts } from './durable-machine.js';
import { codeOf } from './store-troubles.js';

const a = 'a' as HospitalId;
const RULES: RunRules = {
  roster: [a],
  ...{ rounds: 1, minHospitals: 1, gatherTimeoutMs: 1_000, roundTimeoutMs: 1_000, absenceGraceMs: 100 },
  initialModel: 'm0' as Digest,
};
const connected: CoordinatorEvent = { type: 'connected', hospitalId: a };
const consented: CoordinatorEvent = { type: 'consented', hospitalId: a };

let log: string[];
let happened: string[];
/** What the next appends do, in order; then they succeed. */
let fates: ((write: () => void) => Promise<void>)[];
let ports: MachinePorts;
beforeEach(() => {
  [log, happened, fates] = [[], [], []];
  const append = async (_lease: unknown, _runId: string, seq: number, entries: readonly Entry[]): Promise<void> => {
    const write = (): void => {
      if (log.length === seq) log.push(...entries.map(({ event }) => event));
      happened.push('written');
    };
    const fate = fates.shift();
    if (fate === undefined) write();
    else await fate(write);
  };
  async function* events() {
    for (const [seq, event] of log.entries()) yield await Promise.resolve({ seq, at: '', event });
  }
  ports = {
    store: { append, events },
    lease: () => ({ holder: 'test', token: 1 }),
    clock: { nowMs: () => 0, after: () => () => undefined, sleep: () => Promise.resolve() },
    log: pino({ enabled: false }),
    attach: () => ({}),
    perform: ({ type }) => {
      happened.push(type);
    },
    deposed: ({ code }) => {
      happened.push(`deposed ${code}`);
    },
    broken: (error) => {
      happened.push(`broken ${codeOf(error)}`);
    },
  };
});

const notMine = (): never => {
  throw new TypeError('a defect');
};

const open = (): Promise<DurableMachine> => DurableMachine.replay('run-1', RULES, ports, () => undefined);

it('writes, then acts, then answers', async () => {
  const machine = await open();
  const answers = [connected, consented].map((event) => machine.accept(event).then(() => happened.push('answered')));
  await Promise.all(answers);
  expect(happened).toEqual(['written', 'answered', 'written', 'sign-plan', 'answered']);
});

it('says whether an event changed anything, and writes only those that did', async () => {
  const machine = await open();
  expect(await machine.accept(connected)).toBe(true);
  expect(await machine.accept(connected)).toBe(false);
  expect(log).toHaveLength(1);
});

it('asks a store again that does not answer, whether it had written or not', async () => {
  const unavailable = (): Promise<void> => Promise.reject(new StoreError('STORE_UNAVAILABLE', 'away'));
  fates = [
    unavailable,
    (write) => {
      write();
      return unavailable();
    },
  ];
  const machine = await open();
  expect(await machine.accept(connected)).toBe(true);
  expect(log).toEqual([JSON.stringify(connected)]);
});

it('performs nothing and refuses all once another leads', async () => {
  fates = [() => Promise.reject(new StoreError('LEASE_LOST', 'another leads'))];
  const machine = await open();
  const asked = [machine.accept(connected), machine.accept(consented)];
  for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'LEASE_LOST' });
  await expect(machine.accept(consented)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect([log, happened]).toEqual([[], ['deposed LEASE_LOST']]);
});

it.each([
  ['STORE_CORRUPT', 'broken STORE_CORRUPT'],
  ['RUN_UNKNOWN', 'broken RUN_UNKNOWN'],
  ['SEQUENCE_CONFLICT', 'broken SEQUENCE_CONFLICT'],
  ['SCHEMA_TOO_NEW', 'deposed SCHEMA_TOO_NEW'],
] as const)('stops at %s: %s', async (code, told) => {
  fates = [() => Promise.reject(new StoreError(code, 'x'))];
  const machine = await open();
  await expect(machine.accept(connected)).rejects.toMatchObject({ code });
  await expect(machine.accept(consented)).rejects.toMatchObject({ code });
  expect([log, happened]).toEqual([[], [told]]);
});

it('stops at a defect of its own, before or after it has written, and says so to whoever asked', async () => {
  const attaching = { ...ports, attach: () => notMine() };
  const first = await DurableMachine.replay('run-1', RULES, attaching, () => undefined);
  await expect(first.accept(connected)).rejects.toThrow(TypeError);
  const performing = { ...ports, perform: () => notMine() };
  const second = await DurableMachine.replay('run-1', RULES, performing, () => undefined);
  await second.accept(connected);
  await expect(second.accept(consented)).rejects.toThrow(TypeError);
  await expect(second.accept(consented)).rejects.toThrow(TypeError);
  expect(happened).toEqual(['broken INTERNAL', 'written', 'written', 'broken INTERNAL']);
});

it('performs nothing when it is parked while its event is written, and leaves the event to its successor', async () => {
  const machine = await open();
  await machine.accept(connected);
  fates = [
    (write) => {
      write();
      machine.stop(new StoreError('LEASE_LOST', 'closing'));
      return Promise.resolve();
    },
  ];
  await expect(machine.accept(consented)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(happened).toEqual(['written', 'written', 'deposed LEASE_LOST']);
  expect(machine.state.phase).toBe('gathering');
  expect((await open()).state.phase).toBe('planning');
});
