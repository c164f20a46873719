/**
 * Claims: (1) a commit that comes again after its update counts is answered with a yes and removes nothing, also when that
 * update has closed the round; (2) another update that is offered while the first one is about to count removes nothing
 * either; (3) an offer whose round closes while the store is asked leaves nothing behind; (4) an update that comes too late is
 * refused, and its bytes are gone; (5) what is checked is what the store has, also where that began before a crash, or took
 * other bytes than came last; (6) nothing is kept of the uploads of a run that is over, and of no other. Oracle: a map of blobs, and a conductor of which the test sets the state.
 */
import { beforeEach, expect, it } from 'vitest';
import { concatBytes } from '@consilium/bytes';
import { digestBlob, generateRoundKey, sealUpdate, type RoundKey } from '@consilium/crypto';
import type { Digest, HospitalId, Opened, RunId } from '@consilium/protocol';
import type { CoordinatorState, ReceivedUpdate } from '@consilium/rounds';
import { StoreError } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import type { Conductor } from '../run/conductor.js';
import type { Progress } from '../run/progress.js';
import { Uploads } from './uploads.js';

const RUN = 'run-1' as RunId;
const NORTH = 'north' as HospitalId;
const PLAN = 'aa'.repeat(32) as Digest;
const at = { runId: RUN, round: 1, attempt: 1, planDigest: PLAN };

let blobs: Map<string, Uint8Array>;
let state: CoordinatorState;
let uploads: Uploads;
let key: RoundKey;
/** What the conductor does with an update; the test may hold it up. */
let accept: () => Promise<boolean>;
/** Awaited by `append`, with its number, after its effect. */
let appending: (number: number) => Promise<void>;
let appended: number;
/** Awaited by `begin`. */
let beginning: Promise<void>;

const collecting = (received: readonly ReceivedUpdate[]): CoordinatorState =>
  ({
    ...{ phase: 'collecting', ...at, cohort: [NORTH], declined: new Set() },
    received: new Map(received.map((update) => [update.hospitalId, update])),
  }) as unknown as CoordinatorState;
const aggregating = (updates: readonly ReceivedUpdate[]): CoordinatorState =>
  ({ phase: 'aggregating', ...at, cohort: [NORTH], updates }) as unknown as CoordinatorState;

beforeEach(() => {
  blobs = new Map();
  state = collecting([]);
  key = generateRoundKey();
  accept = () => Promise.resolve(true);
  beginning = Promise.resolve();
  appending = () => Promise.resolve();
  appended = 0;
  const known = (name: string): Uint8Array => {
    const blob = blobs.get(name);
    if (blob === undefined) throw new StoreError('BLOB_UNKNOWN', 'gone');
    return blob;
  };
  const store = {
    begin: async (_lease: unknown, _run: string, name: string) => {
      await beginning;
      blobs.set(name, blobs.get(name) ?? new Uint8Array());
    },
    received: (_run: string, name: string) => Promise.resolve(blobs.get(name)?.length),
    append: async (_lease: unknown, _run: string, name: string, offset: number, bytes: Uint8Array) => {
      const before = known(name);
      appended += 1;
      if (offset > before.length) throw new StoreError('BLOB_GAP', 'gap');
      blobs.set(name, concatBytes(before, bytes.subarray(before.length - offset)));
      await appending(appended);
      return known(name).length;
    },
    complete: (_lease: unknown, _run: string, name: string) => Promise.resolve(known(name)).then(() => undefined),
    size: (_run: string, name: string) => Promise.resolve(blobs.get(name)?.length),
    read: (_run: string, name: string) => Promise.resolve(known(name)),
    remove: (_lease: unknown, _run: string, name: string) => Promise.resolve(blobs.delete(name)).then(() => undefined),
  };
  uploads = new Uploads({ blobs: store }, () => ({ holder: 'test', token: 1 }));
});

const conductor = {
  get state() {
    return state;
  },
  config: { body: { parameters: 2, clipNorm: '10' } },
  get openRound() {
    return state.phase === 'collecting' ? { secretKey: key.secretKey } : undefined;
  },
  acceptUpdate: () => accept(),
} as unknown as Conductor;

function update(loss: string): { statement: Opened<'update'>; sealed: Uint8Array; counted: ReceivedUpdate } {
  const sealed = sealUpdate(floatBytes(Float32Array.of(1, 2)), key.publicKey, { ...at, hospitalId: NORTH });
  const blobDigest = digestBlob(sealed) as Digest;
  const body = { v: 1, ...at, from: NORTH, blobDigest, blobBytes: sealed.length, examples: 5, loss };
  const statement = { body, envelope: {}, digest: `statement of ${blobDigest}` } as unknown as Opened<'update'>;
  return { statement, sealed, counted: { hospitalId: NORTH, blobDigest, blobBytes: 1, examples: 5, loss: 1 } };
}

async function send({ statement, sealed }: ReturnType<typeof update>): Promise<void> {
  await uploads.offer(NORTH, statement, conductor);
  await uploads.chunk(NORTH, { runId: RUN, digest: statement.body.blobDigest, offset: 0, bytes: sealed });
}

const commit = ({ statement }: ReturnType<typeof update>): Promise<object> =>
  uploads.commit(NORTH, { runId: RUN, digest: statement.body.blobDigest }, conductor);

/** The update counts and closes the round, when the test lets it. */
function heldUp(counted: ReceivedUpdate): () => void {
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  accept = async () => {
    await released;
    state = aggregating([counted]);
    return true;
  };
  return release;
}

it('keeps the bytes of an update that closed its round, however often it is committed', async () => {
  const first = update('0.5');
  await send(first);
  const release = heldUp(first.counted);
  const commits = [commit(first), commit(first)];
  release();
  expect(await Promise.all(commits)).toEqual([{}, {}]);
  expect(await commit(first)).toEqual({});
  expect(await uploads.offer(NORTH, first.statement, conductor)).toEqual({ receivedBytes: first.sealed.length });
  expect(blobs.size).toBe(1);
});

it('keeps them when another update is offered at that moment', async () => {
  const [first, second] = [update('0.5'), update('0.6')];
  await send(first);
  const release = heldUp(first.counted);
  const committed = commit(first);
  const offered = uploads.offer(NORTH, second.statement, conductor);
  release();
  expect(await committed).toEqual({});
  await expect(offered).rejects.toMatchObject({ code: 'ROUND_CLOSED' });
  expect(blobs.size).toBe(1);
});

it('replaces an update that was never committed', async () => {
  const [first, second] = [update('0.5'), update('0.6')];
  await send(first);
  await send(second);
  expect([...blobs.values()]).toEqual([second.sealed]);
  await expect(commit(first)).rejects.toMatchObject({ code: 'UPDATE_NOT_OFFERED' });
  expect(await commit(second)).toEqual({});
});

it('leaves nothing of an offer whose round closes meanwhile', async () => {
  let release!: () => void;
  beginning = new Promise<void>((resolve) => {
    release = resolve;
  });
  const offered = uploads.offer(NORTH, update('0.5').statement, conductor);
  state = aggregating([]);
  release();
  await expect(offered).rejects.toMatchObject({ code: 'ROUND_CLOSED' });
  expect(blobs.size).toBe(0);
});

it('refuses and forgets an update that comes too late', async () => {
  const late = update('0.5');
  await send(late);
  state = aggregating([]);
  await expect(commit(late)).rejects.toMatchObject({ code: 'ROUND_CLOSED' });
  expect(blobs.size).toBe(0);
});

/** Chunks of ten bytes, all at once. */
async function sendInTens(
  { statement, sealed }: ReturnType<typeof update>,
  from = 0,
): Promise<PromiseSettledResult<object>[]> {
  const sent: Promise<object>[] = [];
  for (let offset = from; offset < sealed.length; offset += 10) {
    const bytes = sealed.subarray(offset, offset + 10);
    sent.push(uploads.chunk(NORTH, { runId: RUN, digest: statement.body.blobDigest, offset, bytes }));
  }
  return Promise.allSettled(sent);
}

it('writes together what arrives while it writes, in order', async () => {
  const first = update('0.5');
  await uploads.offer(NORTH, first.statement, conductor);
  const answers = await sendInTens(first);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['fulfilled']));
  expect([...blobs.values()]).toEqual([first.sealed]);
  expect(appended).toBe(1);
  expect(await commit(first)).toEqual({});
});

it('takes up an update that an earlier process has begun', async () => {
  const first = update('0.5');
  await uploads.offer(NORTH, first.statement, conductor);
  const [name = ''] = blobs.keys();
  const next = new Uploads(uploads['store'], () => ({ holder: 'test', token: 2 }));
  uploads = next;
  blobs.set(name, first.sealed.subarray(0, 30));
  expect(await uploads.offer(NORTH, first.statement, conductor)).toEqual({ receivedBytes: 30 });
  await sendInTens(first, 30);
  expect(await commit(first)).toEqual({});
});

it('checks what the store has, not what was sent after an append that failed and was done all the same', async () => {
  const first = update('0.5');
  await uploads.offer(NORTH, first.statement, conductor);
  const { blobDigest: digest } = first.statement.body;
  const forged = Uint8Array.from(first.sealed).fill(7, 112);
  appending = (number) =>
    number === 1 ? Promise.reject(new StoreError('STORE_UNAVAILABLE', 'cut')) : Promise.resolve();
  await expect(uploads.chunk(NORTH, { runId: RUN, digest, offset: 0, bytes: forged })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  await uploads.chunk(NORTH, { runId: RUN, digest, offset: 0, bytes: first.sealed });
  await expect(commit(first)).rejects.toMatchObject({ code: 'SEAL_INVALID' });
  expect(blobs.size).toBe(0);
});

it.each(['round-done', 'ended', 'run-failed'] as const)('forgets what was under way at %s', async (event) => {
  const first = update('0.5');
  await uploads.offer(NORTH, first.statement, conductor);
  uploads.note({ event, run: 'run-2' } as unknown as Progress);
  const chunk = { runId: RUN, digest: first.statement.body.blobDigest, offset: 0, bytes: first.sealed };
  expect(await uploads.chunk(NORTH, chunk)).toEqual({ receivedBytes: first.sealed.length });
  uploads.note({ event, run: RUN } as unknown as Progress);
  await expect(uploads.chunk(NORTH, chunk)).rejects.toMatchObject({ code: 'UPDATE_NOT_OFFERED' });
});
