/**
 * Claims: (1) decoding in threads gives what decoding here gives, in any number and order; (2) bytes are transferred;
 * (3) a file that hangs a thread, ends it, fills its memory or makes it throw gets its own code, while files before,
 * beside and after it are decoded; (4) threads that cannot start are an error of the installation, not of a file;
 * (5) closing rejects what is left. Oracle: readXray in this thread; threads written for the test that misbehave on
 * request. No claim about speed: the only limit that is awaited is that of a thread that would hang for ever.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { DecoderPool } from './decoder-pool.js';
import { ImagingError } from './errors.js';
import { examine } from './gate/examine.js';
import { readXray } from './xray.js';

/** Answers with the first byte as width, unless that byte says what to do. */
const ODD_WORKER = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, bytes }) => {
  const order = String.fromCharCode(bytes[0]);
  if (order === 'H') for (;;);
  if (order === 'X') process.exit(3);
  if (order === 'T') throw new Error('a defect that quotes Patient^Name');
  if (order === 'M') { const kept = []; for (;;) kept.push(new Array(1e5).fill(id + Math.sqrt(kept.length))); }
  if (order === 'F') return parentPort.postMessage({ kind: 'failed', id });
  parentPort.postMessage({ kind: 'decoded', id, image: { width: bytes[0] }, examination: {} });
});
parentPort.postMessage({ kind: 'ready' });
`;

let folder: string;
let oddWorker: string;
const pools: DecoderPool[] = [];
const open = (...args: ConstructorParameters<typeof DecoderPool>): DecoderPool => {
  const pool = new DecoderPool(...args);
  pools.push(pool);
  return pool;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'));
  oddWorker = join(folder, 'odd-worker.mjs');
  await writeFile(oddWorker, ODD_WORKER);
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await rm(folder, { recursive: true });
});

async function film(seed: string): Promise<Buffer> {
  const random = new SeededRandom(seed);
  const pixels = Uint8Array.from({ length: 90 * 80 }, () => random.integer(256));
  return sharp(pixels, { raw: { width: 90, height: 80, channels: 1 } })
    .png()
    .toBuffer();
}

const order = (letter: string): Uint8Array => Uint8Array.of(letter.charCodeAt(0));

async function outcome(decoding: Promise<{ image: { width: number } }>): Promise<string> {
  try {
    return String.fromCharCode((await decoding).image.width);
  } catch (error) {
    if (error instanceof ImagingError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('DecoderPool', () => {
  it('decodes and examines as this thread does, more files than it has threads', async () => {
    const pool = open({ workers: 2 });
    const files = await Promise.all(Array.from({ length: 9 }, (_, k) => film(`film ${k}`)));
    const expected = await Promise.all(files.map((file) => readXray(file)));
    const decoded = await Promise.all(files.map((file) => pool.decode(Uint8Array.from(file))));
    for (const [k, { image, examination }] of decoded.entries()) {
      const here = expected[k] as (typeof expected)[number];
      expect({ ...image, pixels: undefined }).toEqual({ ...here, pixels: undefined });
      expect(Buffer.compare(Buffer.from(image.pixels.buffer), Buffer.from(here.pixels.buffer))).toBe(0);
      expect(examination).toEqual(examine(here));
    }
  });

  it('refuses as this thread does, with code and sentence', async () => {
    const pool = open({ workers: 1 });
    const cut = (await film('cut')).subarray(0, 2000);
    const here: unknown = await readXray(cut).catch((error: unknown) => error);
    if (!(here instanceof ImagingError)) throw new Error('it was not refused here');
    const expected = { name: 'ImagingError', code: 'TRUNCATED', message: here.message };
    await expect(pool.decode(cut)).rejects.toMatchObject(expected);
  });

  it('transfers bytes that fill their buffer, and leaves a part of a larger buffer alone', async () => {
    const pool = open({ workers: 1 }, oddWorker);
    const whole = Uint8Array.of(65, 1, 2);
    const part = Uint8Array.of(9, 66, 9).subarray(1);
    expect(await outcome(pool.decode(whole))).toBe('A');
    expect(await outcome(pool.decode(part))).toBe('B');
    expect([whole.length, part.length]).toEqual([0, 2]);
  });

  it.each([
    ['hangs', 'H', 'DECODE_TIMEOUT: decoding took longer than 1500 ms'],
    ['ends the thread', 'X', 'DECODER_FAILED: the decoder broke down on this file'],
    ['makes it throw', 'T', 'DECODER_FAILED: the decoder broke down on this file'],
    ['is more than its memory holds', 'M', 'DECODER_FAILED: the decoder broke down on this file'],
    ['meets a defect', 'F', 'DECODER_FAILED: the decoder broke down on this file'],
  ])('a file that %s is the only one that fails', async (_, letter, expected) => {
    // The memory runs full within the time, or the time ends it: only the hanging file may be told so.
    const pool = open({ workers: 2, timeLimitMs: letter === 'H' ? 1500 : 60_000, memoryLimitMb: 32 }, oddWorker);
    const outcomes = await Promise.all(
      Array.from(`ab${letter}cd${letter}ef`, (each) => outcome(pool.decode(order(each)))),
    );
    expect(outcomes).toEqual(['a', 'b', expected, 'c', 'd', expected, 'e', 'f']);
    expect(await outcome(pool.decode(order('z')))).toBe('z');
  });

  it('does not blame a file for a main thread that was busy', async () => {
    const pool = open({ workers: 1, timeLimitMs: 100 }, oddWorker);
    expect(await outcome(pool.decode(order('a')))).toBe('a');
    const decoding = outcome(pool.decode(order('b')));
    const untilMs = performance.now() + 400;
    while (performance.now() < untilMs);
    expect(await decoding).toBe('b');
  });

  it('says that threads do not start, instead of blaming files', async () => {
    const broken = join(folder, 'broken.mjs');
    await writeFile(broken, 'import "./not-there.mjs";');
    const pool = open({ workers: 1 }, broken);
    const decodings = await Promise.allSettled([pool.decode(order('a')), pool.decode(order('b'))]);
    for (const decoding of decodings) {
      expect(decoding).toMatchObject({ reason: { name: 'Error', message: 'the decoder thread does not start' } });
    }
  });

  it('rejects what is left when it is closed', async () => {
    const pool = open({ workers: 1 }, oddWorker);
    const decodings = Promise.allSettled(Array.from('Hab', (each) => pool.decode(order(each))));
    await pool.close();
    await pool.close();
    for (const decoding of await decodings) {
      expect(decoding).toMatchObject({ reason: { message: 'the decoder pool is closed' } });
    }
    await expect(pool.decode(order('c'))).rejects.toThrow('closed');
  });

  it.each([0, 1.5, NaN])('refuses %d threads', (workers) => {
    expect(() => new DecoderPool({ workers })).toThrow(RangeError);
  });
});
