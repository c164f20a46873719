/**
 * Claims: (1) what has no schema, or does not fit it, is refused and not written down; (2) a message is written down before
 * it is handed on, with the digest of its bytes; chunks of one transfer are one entry, the digest of the whole; (3) an update is on
 * the disk before its commit is handed on; (4) a round sends no more than it may; (5) when the
 * journal fails, nothing passes. Oracle: SHA-256 of node:crypto, a ledger that records.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateIdentity, signBytes } from '@consilium/crypto';
import {
  signStatement,
  type Digest,
  type Envelope,
  type HospitalId,
  type RequestName,
  type RunId,
} from '@consilium/protocol';
import { EgressDoor, type Ledger } from './door.js';
import type { NewEntry } from './journal.js';

const identity = generateIdentity();
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const runId = 'run' as RunId;
const from = 'a' as HospitalId;

function offer(round: number, blob: Uint8Array): { statement: Envelope } {
  const digests = { planDigest: '0d'.repeat(32) as Digest, blobDigest: sha256(blob) as Digest };
  const body = {
    v: 1,
    runId,
    round,
    attempt: 1,
    from,
    ...digests,
    blobBytes: blob.length,
    examples: 5,
    loss: '0.5',
  } as const;
  return { statement: signStatement('update', body, from, (bytes) => signBytes(identity, bytes)).envelope };
}

/** Entries, and `flush` where the disk was waited for. */
class Recording implements Ledger {
  readonly written: (NewEntry | 'flush')[] = [];
  append(entry: NewEntry): void {
    this.written.push(entry);
  }
  flush(): Promise<void> {
    this.written.push('flush');
    return Promise.resolve();
  }
  close(): void {
    this.written.push('flush');
  }
  get types(): string[] {
    return this.written.map((one) => (one === 'flush' ? one : one.type));
  }
}

const blob = Uint8Array.from({ length: 100_000 }, (_, k) => k % 251);
const chunk = (offset: number, length: number) => ({
  ...{ runId, digest: sha256(blob), offset },
  bytes: blob.subarray(offset, offset + length),
});

function sendUpdate(door: EgressDoor, round: number): void {
  door.pass('update.offer', offer(round, blob));
  for (let at = 0; at < blob.length; at += 16_384) door.pass('update.chunk', chunk(at, 16_384));
  door.pass('update.commit', { runId, digest: sha256(blob) });
}

describe('the door', () => {
  it('writes an update as three entries, and its commit waits for the disk', async () => {
    const journal = new Recording();
    const door = new EgressDoor({ journal });
    sendUpdate(door, 3);
    for (const name of ['update.offer', 'update.chunk', 'update.commit'] as const) await door.durable(name);
    expect(journal.types).toEqual(['update.offer', 'update.chunk', 'update.commit', 'flush']);
    const [, chunks, commit] = journal.written;
    expect(chunks).toMatchObject({ messages: 7, sizeBytes: blob.length, sha256: sha256(blob), runId, round: 3 });
    const text = JSON.stringify({ runId, digest: sha256(blob) });
    expect(commit).toMatchObject({ sizeBytes: text.length, sha256: sha256(text), runId, round: 3 });
  });

  it('writes what is not ended when it is closed', () => {
    const journal = new Recording();
    const door = new EgressDoor({ journal });
    door.pass('update.offer', offer(1, blob));
    door.pass('update.chunk', chunk(0, 16_384));
    door.close();
    expect(journal.types.slice(1)).toEqual(['update.chunk', 'flush']);
    expect(journal.written[1]).toMatchObject({ messages: 1, sha256: sha256(blob.subarray(0, 16_384)) });
  });

  it.each([
    ['a type without a schema', 'images', { pixels: [1] }],
    ['a name of every object', 'toString', {}],
    ['a key that is not in the schema', 'sync', { patient: 'MRN-1' }],
    ['another type of value', 'update.commit', { runId: 'run', digest: 'short' }],
    ['a chunk above the limit', 'update.chunk', { ...chunk(0, 1), bytes: new Uint8Array(262_145) }],
  ])('refuses %s, writes nothing, and does not say what it was', (_, name, body) => {
    const journal = new Recording();
    const door = new EgressDoor({ journal });
    expect(() => door.pass(name as RequestName, body)).toThrow(/was to leave$/);
    expect(journal.written).toEqual([]);
  });

  it('lets a round send so much and no more, the repeated included, and begins anew with the next', () => {
    const once = blob.length + 2_000;
    const door = new EgressDoor({ sentPerRoundMaxBytes: () => once });
    sendUpdate(door, 1);
    sendUpdate(door, 2);
    expect(() => {
      sendUpdate(door, 2);
    }).toThrow('as much as the policy');
  });

  it('lets nothing pass that cannot be written down', async () => {
    const full = {
      append: () => {
        throw new Error('ENOSPC');
      },
      flush: () => Promise.reject(new Error('EIO')),
      close: () => undefined,
    };
    const door = new EgressDoor({ journal: full });
    expect(() => door.pass('update.offer', offer(1, blob))).toThrow('ENOSPC');
    await expect(door.durable('consent')).rejects.toThrow('EIO');
  });
});
