/**
 * Claims: (1) `release export` writes the documented files with right sums, and a card with every hospital's figures and
 * no path of the hospital; (2) `predict` by that folder alone gives the probabilities of engine, z-scores and head to
 * 1e-5, for a file and for a folder, and a reason instead where preflight has one; (3) with --out it writes a table, a page
 * and pictures that nobody else may read; (4) every fault of a person or a folder ends with its code and status, and
 * leaves no half-written folder. Oracle: the library's own path in this process, `sha256` of Node, and codes written here.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, standardise, untrainedBackbone, type Backbone } from '@consilium/backbone';
import { predict } from '@consilium/head';
import { decodeImage, PREPROCESSING_VERSION } from '@consilium/imaging';
import { parameterCount } from '@consilium/model-spec';
import { floatBytes, readSafetensors, SeededRandom } from '@consilium/tensors';
import { runProgram, type Ending } from '../support/programs.js';
import { film } from '../support/xray-folder.js';

const LABELS = ['normal', 'pneumonia', 'covid'];
const spec = { kind: 'mlp', inputs: 2048, hidden: 16, classes: 3 } as const;
const random = new SeededRandom('e2e/release');
const parameters = Float32Array.from({ length: parameterCount(spec) }, () => random.uniform(-0.1, 0.1));

let directory: string;
let backbone: Backbone;
let exported: Ending;
const path = (...names: string[]): string => join(directory, ...names);
const release = (...names: string[]): string => path('north', 'releases', 'study-1', ...names);
const hospital = (...args: string[]): Promise<Ending> => runProgram('hospital', args, directory);

const figures = { accuracy: 0.75, balancedAccuracy: 0.7, auc: 0.8 };
const summary = (name: string): object => ({
  ...{ hospital: name, run: 'study-1', rounds: 3, train: 40, validation: 4, test: 8 },
  quarantined: { TRUNCATED: 1 },
  backbone: { name: backbone.name, hash: backbone.hash, trained: false },
  localOnly: figures,
  federated: { ...figures, accuracy: 0.8125 },
});

/** What `start` leaves in a home. */
async function writeRun(home: string, run: string, changes: object = {}): Promise<void> {
  const results = path(home, 'results');
  await mkdir(results, { recursive: true });
  const config = {
    ...{ v: 1, runId: run, mode: 'sealed', study: { name: 'Lungs', labels: LABELS }, head: spec },
    ...{ backbone: backbone.hash, preprocessing: PREPROCESSING_VERSION, rounds: 3 },
    training: { epochs: 1, batchSize: 8, learningRate: '0.001', l2: '0.1' },
    roster: ['north', 'south'].map((hospitalId) => ({ hospitalId, identityKey: '0'.repeat(64) })),
    ...changes,
  };
  await writeFile(join(results, `${run}.config.json`), JSON.stringify(config));
  await writeFile(join(results, `${run}.json`), JSON.stringify({ ...summary('north'), run }));
  await writeFile(join(results, `${run}.head`), floatBytes(parameters));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-release-'));
  backbone = await untrainedBackbone();
  await writeRun('north', 'study-1');
  await writeFile(path('north', 'hospital.yaml'), 'coordinator: http://127.0.0.1:1\ndata: images\n');
  await writeFile(path('south.json'), JSON.stringify(summary('south')));
  await mkdir(path('images', 'ward'), { recursive: true });
  await writeFile(path('images', 'a.jpg'), await film('a', 'normal'));
  await writeFile(path('images', 'ward', 'b.jpg'), await film('b', 'covid'));
  await writeFile(path('images', 'letter.png'), 'a letter to the ward\n');
  const blank = sharp({ create: { width: 300, height: 300, channels: 3, background: '#777' } });
  await writeFile(path('images', 'blank.png'), await blank.png().toBuffer());
  exported = await hospital('release', 'export', '--home', 'north', '--run', 'study-1', '--results', 'south.json');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function expectComplaint({ status, stderr }: Ending, expected: number, code: string, sentence: string): void {
  const complaint = stderr.split('\n').find((line) => line.startsWith(`${code}: `));
  expect(complaint, stderr).toBeDefined();
  expect(complaint).toContain(sentence);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(expected);
}

describe('release export', () => {
  it('writes every file with its sum, and nothing beside the folder', async () => {
    expect(exported.status, exported.stderr).toBe(0);
    const sums = (await readFile(release('SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    const named = sums.map((line) => line.slice(66));
    const files = await readdir(release(), { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toHaveLength(named.length + 1);
    for (const line of sums) {
      const hex = createHash('sha256')
        .update(await readFile(release(line.slice(66))))
        .digest('hex');
      expect(line.slice(0, 64)).toBe(hex);
    }
    for (const name of ['model.onnx', 'head.safetensors', 'tfjs/model.json', 'model-card.md', 'preprocessing.json']) {
      expect(named).toContain(name);
    }
    expect(await readdir(path('north', 'releases'))).toEqual(['study-1']);
  });

  it('has a card with both hospitals and without a path of this one', async () => {
    const text = await readFile(release('model-card.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      run: 'study-1',
      study: { labels: LABELS },
      backbone: { hash: backbone.hash, trained: false },
      results: [
        { hospital: 'north' },
        { hospital: 'south', federated: { accuracy: 0.8125 }, quarantined: { TRUNCATED: 1 } },
      ],
      calibration: null,
    });
    for (const name of ['model-card.json', 'model-card.md', 'preprocessing.json', 'tfjs/model.json', 'SHA256SUMS']) {
      expect(await readFile(release(name), 'utf8')).not.toContain(directory);
    }
    expect(await readFile(release('model-card.md'), 'utf8')).toContain('Research use only. Not for diagnosis.');
  });

  it('holds the head that was trained', async () => {
    const { tensors, metadata } = readSafetensors(await readFile(release('head.safetensors')));
    const kernel = tensors.get('hidden.kernel')?.values ?? new Float32Array();
    expect(Buffer.compare(floatBytes(kernel), floatBytes(parameters.subarray(0, 2048 * 16)))).toBe(0);
    expect(metadata.get('labels')).toBe(JSON.stringify(LABELS));
  });

  it.concurrent.each([
    ['a run that was not finished here', ['--run', 'other'], 2, 'RUN_UNKNOWN', 'other'],
    ['a target with something in it', ['--run', 'study-1', '--out', 'images'], 2, 'TARGET_NOT_EMPTY', 'images'],
  ] as const)('refuses %s', async (_, args, status, code, sentence) => {
    expectComplaint(await hospital('release', 'export', '--home', 'north', ...args), status, code, sentence);
    expect((await readdir(path('images'))).sort()).toEqual(['a.jpg', 'blank.png', 'letter.png', 'ward']);
  });

  it('refuses a backbone that is not the one of the run', async () => {
    await writeRun('north', 'study-2', { backbone: 'f'.repeat(64) });
    const ending = await hospital('release', 'export', '--home', 'north', '--out', 'refused', '--run', 'study-2');
    expectComplaint(ending, 5, 'BACKBONE_MISMATCH', backbone.hash);
    expect((await readdir(directory)).filter((name) => name.startsWith('refused'))).toEqual([]);
  });
});

interface PredictionLine {
  readonly file: string;
  readonly status: string;
  readonly reason?: string;
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly label?: string;
  readonly note: string;
}

describe('predict', () => {
  it('gives what engine and head give, or the reason why not', async () => {
    const ending = await hospital('predict', 'images', '--release', release(), '--format', 'json', '--out', 'told');
    expect(ending.status, ending.stderr).toBe(0);
    const predictions = JSON.parse(ending.stdout) as PredictionLine[];
    expect(predictions.map(({ file, status, reason }) => [file, status, reason])).toEqual([
      ['a.jpg', 'predicted', undefined],
      ['blank.png', 'quarantined', 'NEARLY_BLANK'],
      ['letter.png', 'quarantined', 'NOT_AN_IMAGE'],
      ['ward/b.jpg', 'predicted', undefined],
    ]);
    const engine = await openEngine(backbone, { threads: 2 });
    for (const { file, probabilities, label, note } of predictions.filter(({ status }) => status === 'predicted')) {
      const pixels = await decodeImage(await readFile(path('images', file)));
      const expected = predict(spec, parameters, standardise(await engine.embed(pixels, 1), 1, backbone), 1);
      expect(Object.keys(probabilities ?? {})).toEqual(LABELS);
      for (const [c, name] of LABELS.entries()) {
        expect(Math.abs((probabilities?.[name] ?? NaN) - (expected[c] ?? NaN))).toBeLessThan(1e-5);
      }
      expect(label).toBe(LABELS[expected.indexOf(Math.max(...expected))]);
      expect(note).toMatch(/Research use only.*Not calibrated.*Untrained backbone/);
    }
    await engine.close();
  });

  it('wrote a table, a page and a picture of each for this account alone', async () => {
    expect((await readdir(path('told'))).sort()).toEqual(['heatmaps', 'index.html', 'predictions.csv']);
    expect((await readdir(path('told', 'heatmaps'))).sort()).toEqual(['a.jpg.png', 'ward_b.jpg.png']);
    for (const name of ['index.html', 'predictions.csv', 'heatmaps/a.jpg.png']) {
      if (process.platform !== 'win32') expect((await stat(path('told', name))).mode & 0o777).toBe(0o600);
    }
    const { format, width, height } = await sharp(path('told', 'heatmaps', 'a.jpg.png')).metadata();
    expect([format, width, height]).toEqual(['png', 448, 488]);
    const lines = (await readFile(path('told', 'predictions.csv'), 'utf8')).trimEnd().split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^a\.jpg,predicted,,\w+,0\.\d{6},0\.\d{6},0\.\d{6},heatmaps\/a\.jpg\.png,/);
    expect(await readFile(path('told', 'index.html'), 'utf8')).toContain('NEARLY_BLANK');
  });

  it('answers for one file with one object', async () => {
    const ending = await hospital('predict', 'images/letter.png', '--release', release(), '--format', 'json');
    expect(ending.status).toBe(0);
    expect(JSON.parse(ending.stdout)).toMatchObject({
      file: 'letter.png',
      status: 'quarantined',
      reason: 'NOT_AN_IMAGE',
    });
  });

  it('refuses what is not there, what is altered and what is of another version', async () => {
    const by = (folder: string, image = 'images') => hospital('predict', image, '--release', folder, '--out', 'unused');
    expectComplaint(await by(release(), 'nothing.png'), 2, 'PATH_MISSING', 'nothing.png');
    await cp(release(), path('altered'), { recursive: true });
    const model = await readFile(path('altered', 'model.onnx'));
    model[model.length >> 1] = (model[model.length >> 1] ?? 0) ^ 1;
    await writeFile(path('altered', 'model.onnx'), model);
    expectComplaint(await by('altered'), 5, 'RELEASE_DAMAGED', 'model.onnx');
    await cp(release('model.onnx'), path('altered', 'model.onnx'));
    const card = (await readFile(release('model-card.json'), 'utf8')).replace(PREPROCESSING_VERSION, 'another/2');
    await writeFile(path('altered', 'model-card.json'), card);
    const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
    const old = hex(await readFile(release('model-card.json'), 'utf8'));
    const sums = (await readFile(release('SHA256SUMS'), 'utf8')).replace(old, hex(card));
    await writeFile(path('altered', 'SHA256SUMS'), sums);
    expectComplaint(await by('altered'), 5, 'RELEASE_INCOMPATIBLE', 'another/2');
    expect((await readdir(directory)).filter((name) => name.startsWith('unused'))).toEqual([]);
  });
});
