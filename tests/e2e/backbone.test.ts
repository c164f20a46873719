/**
 * Claims: (1) weights that were downloaded become a backbone in the hospital's folder, which `list` shows and `verify`
 * passes, with exit status 0; (2) one damaged byte ends `verify` with 5 and its code; (3) pickles, contradictions and
 * unreachable weights end with a code, a sentence and the documented status. Oracle: seeded random weights of full width
 * that this test writes under torchvision's names; the table of codes here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom, type Tensor, writeSafetensors } from '@consilium/tensors';
import { runProgram, type Ending } from '../support/programs.js';

let directory: string;
const hospital = (...args: string[]): Promise<Ending> => runProgram('hospital', ['backbone', ...args], directory);
const json = ({ stdout }: Ending): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

/** ResNet50 without its classifier, written out from table 1 of the paper: He-uniform kernels, batch norms that do nothing. */
function randomWeights(): Map<string, Tensor> {
  const random = new SeededRandom('e2e weights');
  const tensors = new Map<string, Tensor>();
  const layer = (name: string, norm: string, shape: readonly [number, number, number, number], gain = 1): void => {
    const [outputs, inputs, height, width] = shape;
    const bound = Math.sqrt(6 / (inputs * height * width));
    const values = Float32Array.from({ length: outputs * inputs * height * width }, () =>
      random.uniform(-bound, bound),
    );
    tensors.set(`${name}.weight`, { shape, values });
    for (const [part, value] of [
      ['weight', gain],
      ['bias', 0],
      ['running_mean', 0],
      ['running_var', 1],
    ] as const) {
      tensors.set(`${norm}.${part}`, { shape: [outputs], values: new Float32Array(outputs).fill(value) });
    }
  };
  layer('conv1', 'bn1', [64, 3, 7, 7]);
  let inputs = 64;
  for (const [stage, count] of [3, 4, 6, 3].entries()) {
    const inner = 64 << stage;
    for (let block = 0; block < count; block++) {
      const name = `layer${stage + 1}.${block}`;
      layer(`${name}.conv1`, `${name}.bn1`, [inner, inputs, 1, 1]);
      layer(`${name}.conv2`, `${name}.bn2`, [inner, inner, 3, 3]);
      layer(`${name}.conv3`, `${name}.bn3`, [4 * inner, inner, 1, 1], 0.25);
      if (block === 0) layer(`${name}.downsample.0`, `${name}.downsample.1`, [4 * inner, inputs, 1, 1]);
      inputs = 4 * inner;
    }
  }
  return tensors;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-backbone-'));
  await writeFile(join(directory, 'download.safetensors'), writeSafetensors(randomWeights()));
});
afterAll(() => rm(directory, { recursive: true }));

describe('consilium-hospital backbone', () => {
  it('imports, lists and verifies, and finds a damaged byte', { timeout: 240_000 }, async () => {
    const home = ['--home', 'home', '--format', 'json'];
    const recipe = ['--name', 'mine', '--variant', 'v1', '--mean', '0.5,0.5,0.5', '--std', '0.25,0.25,0.25'];
    const imported = await hospital('import', 'download.safetensors', ...recipe, ...home);
    expect(imported.status, imported.stderr).toBe(0);
    const card = json(imported);
    expect(card).toMatchObject({ name: 'mine', variant: 'v1', trained: true, channelMean: [0.5, 0.5, 0.5] });
    expect(card['file']).toBe(join('home', 'backbones', `${String(card['hash']).slice(0, 12)}.safetensors`));

    const listed = json(await hospital('list', ...home));
    const { hash, file } = card;
    expect(listed).toEqual({ backbones: [{ file, hash, name: 'mine', variant: 'v1', trained: true }] });

    const verified = await hospital('verify', String(file), '--format', 'json');
    expect(verified.status, verified.stderr).toBe(0);
    expect(json(verified)).toMatchObject({ hash, hashCheck: 'passed', selfCheck: 'passed' });

    const bytes = await readFile(join(directory, String(file)));
    // Low bits of a weight in the middle: finite, and far too small a change to see in the features.
    bytes[Math.floor(bytes.length / 8) * 4] = (bytes[Math.floor(bytes.length / 8) * 4] ?? 0) ^ 1;
    await writeFile(join(directory, 'damaged.safetensors'), bytes);
    const damaged = await hospital('verify', 'damaged.safetensors', '--format', 'json');
    expect(json(damaged)).toMatchObject({ hashCheck: 'failed' });
    expect(damaged.status).toBe(5);
    expect(damaged.stderr).toMatch(/^HASH_MISMATCH: /m);
  });

  it.each<[string, string[], number, RegExp]>([
    ['a pickle', ['import', 'model.pth'], 5, /^PICKLE_REFUSED: .*safetensors/m],
    ['a file that is not there', ['import', 'none.h5'], 5, /^WEIGHTS_UNREADABLE: /m],
    ['means of 0..255', ['import', 'model.pth', '--mean', '123,116,103'], 2, /^BAD_OPTION: .*0\.\.1/m],
    ['an unknown name', ['fetch', 'resnet'], 2, /^BAD_OPTION: .*keras-resnet50/m],
    [
      'weights that cannot be reached',
      ['fetch', 'keras-resnet50', '--home', 'home', '--mirror', 'http://127.0.0.1:9'],
      5,
      /^WEIGHTS_UNREACHABLE: .*notop\.h5 \(94765736 bytes, md5 4d473c1dd8becc155b73f8504c6f6626\).*--from/m,
    ],
    ['a carried-in file of another size', ['fetch', 'keras-resnet50', '--from', 'model.pth'], 5, /^WEIGHTS_REFUSED: /m],
  ])('complains of %s', async (_, args, status, sentence) => {
    await writeFile(join(directory, 'model.pth'), 'PK\x03\x04');
    const ending = await hospital(...args);
    expect(ending.stderr).toMatch(sentence);
    expect(ending.stderr).not.toMatch(/^\s+at /m);
    expect(ending.status).toBe(status);
  });

  it('lists the catalogue', async () => {
    const { catalogue } = json(await hospital('fetch', '--format', 'json')) as { catalogue: { name: string }[] };
    expect(catalogue.map(({ name }) => name)).toContain('keras-resnet50');
  });
});
