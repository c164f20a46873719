/**
 * Claims: (1) every row ends in one list, in the order of the rows, each embedding with its own image; (2) an image is
 * decoded once and embedded once, whatever is run again, and again when its examination is damaged; (3) what the gate
 * refuses is never embedded; (4) an image without label is not even read; (5) files are read ahead within the decoders'
 * capacity; (6) an error that is no image's fault ends everything. Oracle: decoders that count and give each file's first
 * byte as grey, and an engine that repeats it.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddingCache, type Backbone, type Engine } from '@consilium/backbone';
import { ImagingError, type DatasetRow, type Decoded } from '@consilium/imaging';
import { embedFolder, type Tools } from './embed-folder.js';
import { ExaminationStore } from './examination-store.js';

const WIDTH = 2048;
const REFUSED = 200;
const DAMAGED = 201;
const CRASHING = 202;

/** Standardising with mean 0 and deviation 1 changes nothing. */
const BACKBONE = {
  featureLength: WIDTH,
  featureMean: new Float32Array(WIDTH),
  featureStdDev: new Float32Array(WIDTH).fill(1),
} as Backbone;

let base: string;
let cacheFolder: string;
let caches = 0;
let decoded: number[];
let atOnce: { now: number; most: number };
let embedded: number[];
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'embed-'));
  for (const byte of [1, 2, 3, 4, 5, 6, 7, 8, 9, REFUSED, DAMAGED, CRASHING]) {
    await writeFile(join(base, `${byte}.png`), Uint8Array.of(byte));
  }
});
beforeEach(() => {
  cacheFolder = join(base, `cache-${(caches += 1)}`);
  [decoded, embedded, atOnce] = [[], [], { now: 0, most: 0 }];
});
afterAll(() => rm(base, { recursive: true }));

async function decode(bytes: Uint8Array): Promise<Decoded> {
  const grey = bytes[0] ?? NaN;
  decoded.push(grey);
  atOnce.most = Math.max(atOnce.most, (atOnce.now += 1));
  // The later files are ready first.
  await new Promise((resolve) => setTimeout(resolve, 30 - 3 * (grey % 10)));
  atOnce.now -= 1;
  if (grey === DAMAGED) throw new ImagingError('TRUNCATED', 'damaged');
  if (grey === CRASHING) throw new Error('no memory');
  const examination = { flags: [], fingerprint: '', histogram: [grey], format: 'png', width: 1, height: 1 } as const;
  return {
    image: { format: 'png', width: 1, height: 1, pixels: Float32Array.of(grey) },
    examination: grey === REFUSED ? { ...examination, refusal: { code: 'NOT_FRONTAL' } } : examination,
  };
}

const ENGINE: Engine = {
  id: 'onnxruntime-cpu',
  precision: 'fp32',
  embed: (images) => {
    embedded.push(images[0] ?? NaN);
    return Promise.resolve(new Float32Array(WIDTH).fill(images[0] ?? NaN));
  },
  close: () => Promise.resolve(),
};

function tools(): Tools {
  const key = { backboneHash: 'b', preprocessingVersion: 'p', engineId: 'onnxruntime-cpu', precision: 'fp32' } as const;
  return {
    backbone: BACKBONE,
    cache: new EmbeddingCache(cacheFolder, key),
    examinations: new ExaminationStore(cacheFolder),
    decoders: { capacity: 2, decode },
    engine: () => Promise.resolve(ENGINE),
  };
}

const rowsOf = (...bytes: number[]): DatasetRow[] =>
  bytes.map((byte) => ({ image: `${byte}.png`, label: 'normal', patient: `p${byte}` }));

async function run(rows: readonly DatasetRow[]): Promise<{ values: number[]; codes: string[]; progress: number[] }> {
  const progress: number[] = [];
  const result = await embedFolder(base, rows, tools(), (done, total) => {
    expect(total).toBe(rows.length);
    progress.push(done);
  });
  for (const { row, embedding, examination } of result.embedded) {
    const grey = Number.parseInt(row.image);
    expect(embedding.every((value) => value === grey)).toBe(true);
    expect(examination.histogram).toEqual([grey]);
  }
  return {
    values: result.embedded.map(({ embedding }) => embedding[0] ?? NaN),
    codes: result.quarantined.map(({ row, code }) => `${row.image} ${code}`),
    progress,
  };
}

describe('embedFolder', () => {
  it('keeps images, embeddings and order together, whatever is ready first', async () => {
    const { values, codes, progress } = await run(rowsOf(9, 1, DAMAGED, 5, 3, REFUSED, 7, 2));
    expect(values).toEqual([9, 1, 5, 3, 7, 2]);
    expect(codes).toEqual([`${DAMAGED}.png TRUNCATED`, `${REFUSED}.png NOT_FRONTAL`]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(embedded).not.toContain(REFUSED);
    expect(atOnce.most).toBeGreaterThan(1);
    expect(atOnce.most).toBeLessThanOrEqual(4);
  });

  it('decodes and embeds nothing again, except what could not be decoded', async () => {
    const rows = rowsOf(1, REFUSED, 2, DAMAGED);
    const first = await run(rows);
    [decoded, embedded] = [[], []];
    expect(await run(rows)).toEqual(first);
    expect([decoded, embedded]).toEqual([[DAMAGED], []]);
  });

  it('examines again where an examination is damaged, without embedding again', async () => {
    await run(rowsOf(1, 2));
    for (const name of await readdir(cacheFolder)) {
      if (name.endsWith('.json')) await writeFile(join(cacheFolder, name), '{"sha256":');
    }
    [decoded, embedded] = [[], []];
    expect((await run(rowsOf(1, 2))).values).toEqual([1, 2]);
    expect([decoded.sort(), embedded]).toEqual([[1, 2], []]);
  });

  it('does not read what nobody labelled, and says which files are missing or lead outside', async () => {
    const rows = [
      { image: '3.png', patient: 'p' },
      { image: 'none.png', label: 'normal', patient: 'q' },
      { image: '../3.png', label: 'normal', patient: 'r' },
    ];
    expect((await run(rows)).codes).toEqual(['3.png UNLABELLED', 'none.png FILE_MISSING', '../3.png OUTSIDE_FOLDER']);
    expect(decoded).toEqual([]);
  });

  it('ends where decoding fails for another reason than the image', async () => {
    await expect(run(rowsOf(1, CRASHING, 2))).rejects.toThrow('no memory');
  });
});
