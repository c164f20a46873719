/**
 * Claims: (1) a run that cannot be read is in the list as failed, with the code and what its configuration says, and hides no
 * other; (2) one that is not led though it is open is failed with its code, and cannot be paused as if it were, nor is it said
 * to have ended; (3) it may be begun again; one that is led, or has ended, may not. Oracle: the embedded store, and schemas.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, signBytes } from '@consilium/crypto';
import { runDetail, runSummary } from '@consilium/operator-api';
import { signStatement, type Enrolment, type RunConfig } from '@consilium/protocol';
import { openEmbeddedStore, type Lease, type RunStore } from '@consilium/store';
import type { Conductor } from '../run/conductor.js';
import { runConfig, runFileSchema } from '../run-file.js';
import { RunRegister } from './run-register.js';

const identity = generateIdentity();
const enrolled = ['a', 'b'].map(
  (hospitalId) => ({ v: 1, hospitalId, identityKey: toHex(generateIdentity().publicKey) }) as Enrolment,
);
const configOf = (run: string): RunConfig =>
  runConfig(
    runFileSchema.parse({
      ...{ run, mode: 'sealed', study: { name: 'Study', labels: ['x', 'y'] } },
      ...{ head: { kind: 'linear' }, embeddingLength: 4, backbone: 'ab'.repeat(32), preprocessing: 'p-1' },
    }),
    enrolled,
  );

let folder: string;
let store: RunStore;
let lease: Lease;
let register: RunRegister;
let begun: string[];
const failures = new Map<string, string>();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-register-'));
  store = await openEmbeddedStore(folder);
  lease = (await store.acquireLease('test', 60_000)) as Lease;
  for (const run of ['whole', 'torn', 'lost', 'over']) await add(run, JSON.stringify(envelopeOf(run)));
  await store.append(lease, 'torn', 0, [{ event: 'no event' }]);
  await store.append(lease, 'over', 0, [{ event: '{"type":"stop"}', ended: true }]);
  await add('nameless', 'no statement');
  failures.clear();
  failures.set('torn', 'INTERNAL').set('lost', 'STORE_UNAVAILABLE');
  begun = [];
  const whole = { runId: 'whole', failure: undefined, state: { phase: 'gathering' } };
  register = new RunRegister({
    ...{ identity, store, runs: () => [whole as unknown as Conductor] },
    failureOf: (runId) => failures.get(runId),
    begin: ({ runId }) => {
      begun.push(runId);
      return Promise.resolve(whole as unknown as Conductor);
    },
  });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const envelopeOf = (run: string) =>
  signStatement('run-config', configOf(run), 'coordinator', (bytes) => signBytes(identity, bytes)).envelope;
const add = (runId: string, config: string) =>
  store.createRun(lease, { runId, config, createdAt: '2026-03-01T09:00:00.000Z' });

it('lists every run, also those that cannot be read or led', async () => {
  const runs = await register.list();
  for (const run of runs) runSummary.parse(run);
  expect(runs.map(({ run, status, failure, study }) => [run, status, failure, study])).toEqual([
    ['nameless', 'failed', 'INTERNAL', 'unknown'],
    ['over', 'aborted', undefined, 'Study'],
    ['lost', 'failed', 'STORE_UNAVAILABLE', 'Study'],
    ['torn', 'failed', 'INTERNAL', 'Study'],
    ['whole', 'running', undefined, 'Study'],
  ]);
});

it('shows why a run is not led, and does not say that it has ended', async () => {
  const shown = await register.show('lost');
  expect(runDetail.parse(shown)).toMatchObject({ status: 'failed', reason: 'STORE_UNAVAILABLE' });
  await expect(register.decide('lost', 'abort')).rejects.toMatchObject({
    code: 'NOT_LEADING',
    message: expect.stringContaining('STORE_UNAVAILABLE') as string,
  });
  await expect(register.decide('over', 'abort')).rejects.toMatchObject({ code: 'RUN_ENDED' });
});

it('begins again what nobody leads, and nothing else', async () => {
  await register.start(configOf('lost'));
  for (const run of ['whole', 'over']) {
    await expect(register.start(configOf(run))).rejects.toMatchObject({ code: 'RUN_EXISTS' });
  }
  expect(begun).toEqual(['lost']);
});
