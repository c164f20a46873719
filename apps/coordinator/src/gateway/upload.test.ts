/**
 * Claims: (1) however much a peer sends against a store that is slow, at most 2 MiB of one upload wait, and the rest is refused
 * with a code on which an honest hospital tries again; (2) what cannot belong to the upload is refused before it waits: past
 * its end, or behind a gap; (3) when the store has caught up, the upload goes on. Oracle: a store that the test lets go.
 */
import { expect, it } from 'vitest';
import { Upload } from './upload.js';
import type { UploadStatement } from './update-kinds.js';

const CHUNK_BYTES = 262_144;
const BLOB_BYTES = 64 * CHUNK_BYTES;
const chunk = new Uint8Array(CHUNK_BYTES);

/** @param takenBytes - what an earlier process has taken. */
function slowUpload(takenBytes = 0): { upload: Upload; release: () => void; written: number[] } {
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const written: number[] = [];
  const append = async (_lease: unknown, _run: string, _name: string, offset: number, bytes: Uint8Array) => {
    await released;
    written.push(bytes.length);
    return offset + bytes.length;
  };
  const statement = { body: { runId: 'run-1', blobBytes: BLOB_BYTES } } as unknown as UploadStatement;
  const upload = new Upload(statement, 'name', { append }, () => ({ holder: 'test', token: 1 }), takenBytes);
  return { upload, release, written };
}

const outcome = (taken: Promise<number>): Promise<unknown> =>
  taken.catch((error: unknown) => (error as { code: string }).code);

it('bounds what waits for a slow store', async () => {
  const { upload, release, written } = slowUpload();
  const sent = Array.from({ length: 32 }, (_, k) => outcome(upload.take(k * CHUNK_BYTES, chunk)));
  // The same chunk again and again waits as well.
  for (let k = 0; k < 100; k++) sent.push(outcome(upload.take(0, chunk)));
  release();
  const answers = await Promise.all(sent);
  const taken = answers.filter((answer) => typeof answer === 'number');
  expect(taken).toHaveLength(8);
  expect(new Set(answers.slice(8, 9))).toEqual(new Set(['STORE_UNAVAILABLE']));
  expect(written.reduce((sum, bytes) => sum + bytes, 0)).toBe(8 * CHUNK_BYTES);
  expect(await upload.take(8 * CHUNK_BYTES, chunk)).toBe(9 * CHUNK_BYTES);
});

it('lets nothing wait that cannot belong to it', async () => {
  const { upload, release, written } = slowUpload(CHUNK_BYTES);
  expect(await outcome(upload.take(BLOB_BYTES - 1, chunk))).toBe('UPDATE_SIZE');
  expect(await outcome(upload.take(2 * CHUNK_BYTES, chunk))).toBe('CHUNK_OUT_OF_ORDER');
  const next = upload.take(CHUNK_BYTES, chunk);
  const after = upload.take(2 * CHUNK_BYTES, chunk);
  release();
  expect(await Promise.all([next, after])).toEqual([3 * CHUNK_BYTES, 3 * CHUNK_BYTES]);
  expect(written).toEqual([2 * CHUNK_BYTES]);
});
