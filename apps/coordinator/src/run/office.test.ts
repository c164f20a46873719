/**
 * Claims: (1) a run that cannot be taken up, or breaks while it is led, is failed with its code, and every other run goes on;
 * (2) a run whose creation was stored and not answered is led, by that call or by the next one of the same configuration, and
 * not by one of another; (3) of the runs that have ended the last eight stay in memory, and one that is open always does; one
 * that ended long ago may be asked for again. Oracle: the embedded store, with calls that fail by order of the test.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, generateRoundKey } from '@consilium/crypto';
import type { Enrolment, RunConfig } from '@consilium/protocol';
import { openEmbeddedStore, StoreError, type Lease, type RunStore } from '@consilium/store';
import { runConfig, runFileSchema } from '../run-file.js';
import { systemClock } from './clock.js';
import type { ConductorPorts } from './conductor.js';
import { Office } from './office.js';

const identity = generateIdentity();
const enrolled = ['a', 'b'].map(
  (hospitalId) => ({ v: 1, hospitalId, identityKey: toHex(generateIdentity().publicKey) }) as Enrolment,
);

const configOf = (run: string, rounds = 3): RunConfig =>
  runConfig(
    runFileSchema.parse({
      ...{ run, rounds, mode: 'sealed', study: { name: 'Study', labels: ['x', 'y'] } },
      ...{ head: { kind: 'linear' }, embeddingLength: 4, backbone: 'ab'.repeat(32), preprocessing: 'p-1' },
    }),
    enrolled,
  );

let folder: string;
let store: RunStore;
let lease: Lease;
let offices: Office[];
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-office-'));
  store = await openEmbeddedStore(folder);
  lease = (await store.acquireLease('test', 60_000)) as Lease;
  [offices, said] = [[], []];
});
afterEach(async () => {
  for (const office of offices) office.park();
  await store.close();
  await rm(folder, { recursive: true });
});

/** The store, with other methods in the places of some. */
const storeWith = (methods: Partial<RunStore>): RunStore =>
  new Proxy(store, {
    get: (target, name) => {
      const method =
        (methods as Record<PropertyKey, unknown>)[name] ?? (target as unknown as Record<PropertyKey, unknown>)[name];
      return typeof method === 'function' ? (method as () => unknown).bind(target) : method;
    },
  });

async function open(methods: Partial<RunStore> = {}): Promise<Office> {
  const ports: ConductorPorts = {
    ...{ identity, store: storeWith(methods), lease: () => lease, makeRoundKey: generateRoundKey },
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    log: pino({ enabled: false }),
    push: () => undefined,
    keepModel: () => Promise.resolve(),
    progress: (step) => {
      if (step.event === 'run-failed') said.push(`${step.run} ${step.code}`);
    },
    deposed: ({ code }) => said.push(`deposed ${code}`),
  };
  const office = await Office.open(ports);
  offices.push(office);
  return office;
}

const begin = (office: Office, config: RunConfig) => office.begin(config, () => []);
const corrupt = (): StoreError => new StoreError('STORE_CORRUPT', 'event 0 is missing from its run');

it('takes up the other runs when one cannot be read', async () => {
  const first = await open();
  for (const run of ['a', 'b', 'c']) await begin(first, configOf(run));
  first.park();
  said = [];
  const next = await open({
    events: (runId, fromSeq) => {
      if (runId === 'b') throw corrupt();
      return store.events(runId, fromSeq);
    },
  });
  expect(next.runs.map(({ runId }) => runId)).toEqual(['a', 'c']);
  expect(next.failureOf('b')).toBe('STORE_CORRUPT');
  expect(next.failureOf('a')).toBeUndefined();
  expect(said).toEqual(['b STORE_CORRUPT']);
  await expect(begin(next, configOf('b'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});

it('does not open while the store is away, or another leads', async () => {
  await begin(await open(), configOf('a'));
  for (const code of ['STORE_UNAVAILABLE', 'LEASE_LOST'] as const) {
    const config = () => Promise.reject(new StoreError(code, 'x'));
    await expect(open({ config })).rejects.toMatchObject({ code });
  }
});

it('leads the others on when one breaks, and takes that one up when it is asked to begin it', async () => {
  let isCorrupt = true;
  const office = await open({
    append: (by, runId, ...rest) =>
      isCorrupt && runId === 'b' ? Promise.reject(corrupt()) : store.append(by, runId, ...rest),
  });
  isCorrupt = false;
  const [a, b] = [await begin(office, configOf('a')), await begin(office, configOf('b'))];
  isCorrupt = true;
  await expect(b.accept({ type: 'pause' })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  await expect(b.ended).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  expect([office.failureOf('b'), b.failure, said]).toEqual(['STORE_CORRUPT', 'STORE_CORRUPT', ['b STORE_CORRUPT']]);
  expect(await a.accept({ type: 'pause' })).toBe(true);
  isCorrupt = false;
  const again = await begin(office, configOf('b'));
  expect(await again.accept({ type: 'pause' })).toBe(true);
  expect(office.failureOf('b')).toBeUndefined();
});

it('leads a run whose creation was not answered', async () => {
  let lost = 0;
  const office = await open({
    createRun: async (...args) => {
      await store.createRun(...args);
      if (lost++ === 0) throw new StoreError('STORE_UNAVAILABLE', 'the answer is lost');
    },
  });
  const led = await begin(office, configOf('a'));
  expect([office.runs, await led.accept({ type: 'pause' })]).toEqual([[led], true]);
});

it('takes up a run that is in the store and led by nobody, if it is the same', async () => {
  let isLost = true;
  const office = await open({
    createRun: async (...args) => {
      await store.createRun(...args);
      if (isLost) throw new StoreError('STORE_UNAVAILABLE', 'the answer is lost');
    },
  });
  await expect(begin(office, configOf('a'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect([office.runs, office.failureOf('a')]).toEqual([[], 'STORE_UNAVAILABLE']);
  isLost = false;
  await expect(begin(office, configOf('a', 4))).rejects.toMatchObject({ code: 'RUN_EXISTS' });
  const led = await begin(office, configOf('a'));
  expect([office.runs, office.failureOf('a')]).toEqual([[led], undefined]);
  expect(await begin(office, configOf('a'))).toBe(led);
  await expect(begin(office, configOf('a', 4))).rejects.toMatchObject({ code: 'RUN_EXISTS' });
});

it('keeps the last eight ended runs in memory, and every open one', async () => {
  const office = await open();
  await begin(office, configOf('open'));
  for (let k = 0; k < 12; k++) await (await begin(office, configOf(`run-${k}`))).accept({ type: 'stop' });
  const kept = ['open', ...Array.from({ length: 8 }, (_, k) => `run-${k + 4}`)];
  expect(office.runs.map(({ runId }) => runId)).toEqual(kept);
  office.park();
  const next = await open();
  expect(next.runs.map(({ runId }) => runId)).toEqual(kept);
  const ended = await begin(next, configOf('run-0'));
  expect(await ended.ended).toMatchObject({ outcome: 'aborted', reason: 'STOPPED' });
});
