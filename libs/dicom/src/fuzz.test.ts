/**
 * Claims: whatever is done to a file, (1) reading it ends in a result or a DicomError, never in another error; (2) within 5 s;
 * (3) what it holds at its end is at most 64 MiB more than before (heap and array buffers, after 8,000 headers), and the
 * process grows by less than 512 MiB (resident, after 600 compressed images).
 * Oracle: the types of errors, and the process's own counters. A failure prints the seed and the shortest case.
 */
import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DicomError, displayGrey, isDicom, parseDicom, storedValues } from './index.js';
import {
  attribute,
  encoded,
  sampleDicom,
  SYNTAX_UIDS,
  withMeta,
  type Attribute,
  type SampleSyntax,
} from './samples.js';

interface Base {
  readonly body: Uint8Array;
  readonly file: (body: Uint8Array) => Uint8Array;
}

const whole = (file: Uint8Array): Base => ({ body: file, file: (body) => body });
const tables: Attribute[] = [0x00283000, 0x00283010].map((tag, i) => ({
  tag,
  vr: 'SQ',
  value: [[attribute(0x00283002, 'US', [4, 0, 16]), attribute(0x00283006, 'OW', [0, 9_000, 20_000, 65_535])]],
  undefinedLength: i === 1,
}));
const image = { rows: 4, columns: 5, cells: Array.from({ length: 20 }, (_, i) => (i * 977) % 4_096), bitsStored: 12 };
const window = [attribute(0x00281050, 'DS', '40'), attribute(0x00281051, 'DS', '400')];

const headers: Base[] = (['implicit', 'explicit', 'big-endian', 'rle'] as const).flatMap((syntax: SampleSyntax) => [
  whole(sampleDicom({ ...image, syntax, attributes: tables })),
  whole(sampleDicom({ ...image, syntax, attributes: window, photometric: 'MONOCHROME1' })),
  whole(sampleDicom({ ...image, syntax, meta: syntax === 'rle', signed: true })),
  {
    body: sampleDicom({ ...image, syntax, meta: false, attributes: tables }),
    file: (body) => withMeta(body, SYNTAX_UIDS[syntax]),
  },
]);
headers.push({
  body: sampleDicom({ ...image, meta: false, attributes: tables }),
  file: (body) => withMeta(deflateRawSync(body), SYNTAX_UIDS.deflated),
});

/** A fraction of a body's length, evenly spread: fast-check prefers the ends otherwise. */
const place = fc.noBias(fc.nat(999_999)).map((millionths) => millionths / 1e6);
/** One change of a body. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('flip'), place, value: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut'), place, value: fc.nat(0) }),
  fc.record({
    kind: fc.constantFrom('word', 'length'),
    place,
    value: fc.constantFrom(
      0,
      1,
      0xffff,
      0x7fff,
      0x8000,
      0xffffffff,
      0x7fffffff,
      0x10000,
      0xe000fffe,
      0xe00dfffe,
      0xe0ddfffe,
    ),
  }),
  fc.record({
    kind: fc.constant('vr'),
    place,
    value: fc.constantFrom(0x5153, 0x4e55, 0x574f, 0x5355, 0x3f3f, 0x5a5a, 0),
  }),
  fc.record({
    kind: fc.constant('nest'),
    place,
    value: fc.integer({ min: 1, max: 500 }),
  }),
);
const sizes = fc.record({
  kind: fc.constant('size'),
  place,
  value: fc.constantFrom(0, 1, 6, 9_999, 0xffff),
});
interface Change {
  readonly kind: string;
  readonly place: number;
  readonly value: number;
}

const opened = encoded([{ tag: 0x00081111, vr: 'SQ', value: [[]], undefinedLength: true }], 'explicit').subarray(0, 20);

function mutated(body: Uint8Array, changes: readonly Change[]): Uint8Array {
  let bytes = Buffer.from(body);
  for (const { kind, place: fraction, value } of changes) {
    const at = Math.floor(fraction * bytes.length);
    if (kind === 'cut') bytes = bytes.subarray(0, at);
    else if (kind === 'nest') {
      bytes = Buffer.concat([bytes.subarray(0, at), ...Array<Uint8Array>(value).fill(opened), bytes.subarray(at)]);
    } else if (kind === 'flip') {
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << value);
    } else if (kind === 'size') {
      // Rows and Columns, where they are in little endian: their values are 8 bytes behind their tags.
      for (const element of [0x10, 0x11]) {
        const tag = bytes.indexOf(Buffer.from([0x28, 0, element, 0]));
        if (tag >= 0 && tag + 10 <= bytes.length) bytes.writeUInt16LE(value, tag + 8);
      }
    } else if (kind === 'length') {
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(value, at);
    } else if (at + 2 <= bytes.length) bytes.writeUInt16LE(value & 0xffff, at);
  }
  return new Uint8Array(bytes);
}

const outcomes = new Map<string, number>();

async function survives(file: Uint8Array): Promise<void> {
  const started = performance.now();
  let outcome = 'read';
  try {
    isDicom(file);
    const dicom = parseDicom(file);
    const values = await storedValues(dicom);
    const { frames, rows, columns, samples } = dicom.facts;
    if (values.length !== frames * rows * columns * samples) throw new Error('wrong number of values');
    if (frames === 1) await displayGrey(dicom);
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    outcome = error.code;
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  if (performance.now() - started > 5_000) throw new Error('took longer than 5 s');
}

const attack = (bases: readonly Base[], seed: number, numRuns: number, from = 0): Promise<void> => {
  const changes = fc.array(fc.oneof({ weight: 9, arbitrary: change }, { weight: 1, arbitrary: sizes }), {
    minLength: 1,
    maxLength: 4,
  });
  const property = fc.asyncProperty(fc.nat(bases.length - 1), changes, async (which, list) => {
    const base = bases[which];
    if (base === undefined) throw new RangeError('no such base');
    const scaled = list.map((entry) => ({ ...entry, place: from + entry.place * (1 - from) }));
    await survives(base.file(mutated(base.body, scaled)));
  });
  return fc.assert(property, { seed, numRuns });
};

const held = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

describe('mutations', () => {
  it('of 8,000 headers', async () => {
    outcomes.clear();
    const before = held();
    await attack(headers, 7, 8_000);
    expect(held() - before).toBeLessThan(64 * 2 ** 20);
    // Both sides of every gate were visited: not all files were refused at the first one.
    expect(outcomes.get('read')).toBeGreaterThan(500);
    for (const code of [
      'HEADER_INVALID',
      'TRUNCATED',
      'NO_PIXEL_DATA',
      'NOT_DICOM',
      'UNSUPPORTED_PIXELS',
      'IMAGE_TOO_LARGE',
    ] as const) {
      expect([code, outcomes.get(code) ?? 0]).not.toEqual([code, 0]);
    }
  });

  it('of 600 compressed images', async () => {
    outcomes.clear();
    const { vectors } = JSON.parse(readFileSync(new URL('../vectors/dicom.json', import.meta.url), 'utf8')) as {
      readonly vectors: readonly { readonly name: string; readonly file: string }[];
    };
    const bases = vectors
      .filter(({ name }) => name.startsWith('JPEG'))
      .map(({ file }) => whole(new Uint8Array(Buffer.from(file, 'base64'))));
    const before = process.memoryUsage().rss;
    await attack(bases, 11, 300);
    // The second half of such a file is the codestream.
    await attack(bases, 13, 300, 0.5);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
    expect(outcomes.get('DECODE_FAILED')).toBeGreaterThan(30);
    expect(outcomes.get('read')).toBeGreaterThan(30);
  });

  const folder = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'dicom');
  it.skipIf(!existsSync(folder))('of the headers of the public sample files', async () => {
    const small = readdirSync(folder)
      .filter((name) => name.endsWith('.dcm'))
      .map((name) => readFileSync(join(folder, name)))
      .filter(({ length }) => length < 130_000)
      .map((bytes) => whole(new Uint8Array(bytes)));
    expect(small.length).toBeGreaterThan(3);
    await attack(small, 17, 200);
  });
});
