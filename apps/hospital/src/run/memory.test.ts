/**
 * Claims: (1) what was written is read by the next process, byte for byte; (2) an update counts as there only when both of its
 * files are, so that a crash between them leaves none; (3) a file that a crash cut off while it was written is never read, and
 * the older one stays; (4) erasing leaves nothing of an update; (5) runs do not see each other; (6) only the owner may read.
 * Oracle: the bytes written, and node:fs.
 */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Digest, Envelope, RunId } from '@consilium/protocol';
import type { Memory } from '@consilium/rounds';
import { FolderMemory } from './memory.js';

const RUN = 'run-1' as RunId;
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-memory-'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const memory: Memory = {
  runId: RUN,
  configDigest: 'c0' as Digest,
  completedRound: 2,
  model: 'm2' as Digest,
  answered: { round: 3, attempt: 1 },
  unsent: undefined,
};
const outgoing = {
  statement: { payload: 'AA==' } as unknown as Envelope,
  blobDigest: 'b0' as Digest,
  sealed: Uint8Array.from({ length: 300 }, (_, i) => i),
};
const there = (file: string): string => join(home, 'runs', RUN, file);

it('gives the next process what the last one wrote', async () => {
  const first = new FolderMemory(home);
  expect(await first.read(RUN)).toBeUndefined();
  await first.write(RUN, { ...memory, completedRound: 1 });
  await first.write(RUN, memory);
  await first.writeOutgoing(RUN, outgoing);
  const next = new FolderMemory(home);
  // JSON knows no undefined: nothing unsent is an absent field.
  expect(await next.read(RUN)).toEqual({ ...memory, unsent: undefined });
  const read = await next.readOutgoing(RUN);
  expect(read).toMatchObject({ statement: outgoing.statement, blobDigest: 'b0' });
  expect(Buffer.compare(read?.sealed ?? new Uint8Array(), outgoing.sealed)).toBe(0);
});

it('has no update when one of its files is missing', async () => {
  for (const file of ['update.json', 'update.sealed']) {
    const first = new FolderMemory(home);
    await first.writeOutgoing(RUN, outgoing);
    expect(await first.readOutgoing(RUN)).toBeDefined();
    await rm(there(file));
    expect(await new FolderMemory(home).readOutgoing(RUN)).toBeUndefined();
  }
});

it('never reads what was being written when the process died', async () => {
  const first = new FolderMemory(home);
  await first.write(RUN, memory);
  await writeFile(there('memory.json.part'), '{"runId":"ru');
  expect(await new FolderMemory(home).read(RUN)).toMatchObject({ completedRound: 2 });
  await first.write(RUN, { ...memory, completedRound: 3 });
  expect(await new FolderMemory(home).read(RUN)).toMatchObject({ completedRound: 3 });
  expect(await readdir(join(home, 'runs', RUN))).toEqual(['memory.json']);
});

it('erases an update whole, also one of which only a part is left', async () => {
  const first = new FolderMemory(home);
  await first.writeOutgoing(RUN, outgoing);
  await rm(there('update.json'));
  await first.eraseOutgoing(RUN);
  await first.eraseOutgoing(RUN);
  expect(await readdir(join(home, 'runs', RUN))).toEqual([]);
});

it('knows a run that is over, of which no update is kept', async () => {
  const first = new FolderMemory(home);
  await first.writeOutgoing(RUN, outgoing);
  expect(await first.isFinished(RUN)).toBe(false);
  await first.finish(RUN);
  const next = new FolderMemory(home);
  expect(await next.isFinished(RUN)).toBe(true);
  expect(await next.readOutgoing(RUN)).toBeUndefined();
  expect(await next.isFinished('run-2' as RunId)).toBe(false);
  expect(await next.read('run-2' as RunId)).toBeUndefined();
});

it('is readable by its owner only', async () => {
  await new FolderMemory(home).writeOutgoing(RUN, outgoing);
  expect((await stat(there('update.sealed'))).mode & 0o077).toBe(0);
  expect((await stat(join(home, 'runs', RUN))).mode & 0o077).toBe(0);
});
