/**
 * Claims: whatever 4,500 damaged PNG, JPEG and TIFF files hold, each is decoded or refused with a code, within 5 s, by
 * threads that go on; and the process never takes more than 700 MB above what it had. (The readers take up to 100 million
 * pixels, so that a header may ask for 200 MB in a thread; what is asked for beyond that is refused before decoding.)
 * Oracle: none is needed for "no other error"; that the damage bites is seen by counting codes. Seeded: a failure prints
 * its number, and the same number makes the same file.
 */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { DecoderPool } from './decoder-pool.js';
import { ImagingError } from './errors.js';

const CASES_PER_FORMAT = 1_500;
const GROWTH_MAX_BYTES = 700 * 1024 * 1024;

let pool: DecoderPool;
beforeAll(() => {
  pool = new DecoderPool({ workers: 2, timeLimitMs: 5_000 });
});
afterAll(() => pool.close());

async function seeds(format: 'png' | 'jpeg' | 'tiff'): Promise<Buffer[]> {
  const random = new SeededRandom('fuzz/picture');
  const grey = Uint8Array.from({ length: 61 * 47 }, (_, i) => (i % 61) * 3 + random.integer(40));
  const image = sharp(grey, { raw: { width: 61, height: 47, channels: 1 } });
  const plain = image.clone().toColourspace('b-w');
  const colour = image.clone().toColourspace('srgb');
  const deep = image.clone().toColourspace('grey16');
  const files = {
    png: [plain.png(), colour.png({ progressive: true }), deep.png(), colour.png({ palette: true })],
    jpeg: [plain.jpeg(), colour.jpeg({ progressive: true }), colour.withMetadata({ orientation: 3 }).jpeg()],
    tiff: [
      plain.tiff({ compression: 'none' }),
      deep.tiff({ compression: 'lzw' }),
      colour.tiff({ compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }),
      plain.clone().tiff({ compression: 'deflate', predictor: 'horizontal' }),
    ],
  };
  return Promise.all(files[format].map((file) => file.toBuffer()));
}

const HUGE = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];

/** One to four wounds: flipped bits, bytes and fields set to extremes, pieces cut out, repeated or moved, the end cut off. */
function damaged(file: Buffer, random: SeededRandom): Buffer {
  let bytes = Buffer.from(file);
  for (let wounds = 1 + random.integer(4); wounds > 0 && bytes.length > 8; wounds--) {
    // Half of them in the first 120 bytes, where sizes and offsets are.
    const at = 4 + random.integer(Math.min(bytes.length - 4, random.integer(2) === 0 ? 120 : bytes.length));
    const kind = random.integer(6);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(8));
    else if (kind === 1) bytes[at] = random.integer(256);
    else if (kind === 2 && at + 4 <= bytes.length) {
      const value = HUGE[random.integer(HUGE.length)] ?? 0;
      if (random.integer(2) === 0) bytes.writeUInt32BE(value, at);
      else bytes.writeUInt32LE(value, at);
    } else if (kind === 3) bytes = bytes.subarray(0, at);
    else {
      const length = random.integer(64);
      const piece = bytes.subarray(at, at + length);
      const rest = bytes.subarray(kind === 4 ? at + length : at);
      bytes = Buffer.concat([bytes.subarray(0, at), ...(kind === 4 ? [] : [piece]), rest]);
    }
  }
  // A PNG with a wrong checksum is refused before anything else: most are given the right ones.
  return random.integer(4) === 0 ? bytes : withChecksums(bytes);
}

function withChecksums(bytes: Buffer): Buffer {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0x89504e47) return bytes;
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}

/** CRC-32 of PNG (ISO 3309), since Node 20 has none. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function outcomeOf(bytes: Buffer, name: string): Promise<string> {
  try {
    const { image } = await pool.decode(bytes);
    return image.pixels.length === 224 * 224 ? 'DECODED' : `${name}: a picture of another size`;
  } catch (error) {
    return error instanceof ImagingError ? error.code : `${name}: ${String(error)}`;
  }
}

describe('damaged files', () => {
  it.each(['png', 'jpeg', 'tiff'] as const)(
    '%s',
    async (format) => {
      const files = await seeds(format);
      const before = process.memoryUsage.rss();
      const counts = new Map<string, number>();
      let largest = 0;
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < CASES_PER_FORMAT) {
          const name = `${format} ${(next += 1)}`;
          const random = new SeededRandom(`fuzz/${name}`);
          const outcome = await outcomeOf(damaged(files[random.integer(files.length)] as Buffer, random), name);
          counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
          largest = Math.max(largest, process.memoryUsage.rss());
        }
      };
      await Promise.all(Array.from({ length: pool.capacity }, worker));
      const expected = [
        'DECODED',
        'NOT_AN_IMAGE',
        'UNSUPPORTED_FORMAT',
        'IMAGE_TOO_LARGE',
        'TRUNCATED',
        'NEARLY_BLANK',
        'MULTI_FRAME',
      ];
      expect([...counts.keys()].filter((outcome) => !expected.includes(outcome))).toEqual([]);
      for (const outcome of ['NOT_AN_IMAGE', 'TRUNCATED']) expect(counts.get(outcome)).toBeGreaterThan(20);
      expect(largest - before).toBeLessThan(GROWTH_MAX_BYTES);
    },
    120_000,
  );

  it('the same number makes the same file', async () => {
    const [file] = await seeds('png');
    const make = (): string =>
      createHash('sha256')
        .update(damaged(file as Buffer, new SeededRandom('fuzz/x')))
        .digest('hex');
    expect(make()).toBe(make());
  });
});
