/**
 * Claims: a release folder that is not one, or is altered, cut, forged, linked, oversized or of another version is refused
 * with RELEASE_MISSING, RELEASE_DAMAGED or RELEASE_INCOMPATIBLE before ONNX Runtime sees a byte; one whose model is no
 * model is RELEASE_DAMAGED too; nothing outside the folder is read. Oracle: the codes written here, one fault at a time
 * in a folder whose sums are made right again, so that the later checks are reached.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { writeSafetensors, type Tensor } from '@consilium/tensors';
import { RELEASE_FORMAT, RESEARCH_USE } from './card.js';
import { openRelease } from './opened.js';

const card = {
  format: RELEASE_FORMAT,
  use: RESEARCH_USE,
  exportedAt: '2026-01-01T00:00:00.000Z',
  run: 'r',
  study: { name: 's', labels: ['a', 'b'] },
  mode: 'sealed',
  rounds: 1,
  hospitals: ['h'],
  training: {},
  backbone: { name: 'n', hash: '0'.repeat(64), trained: true, variant: 'v1.5', side: 224, featureLength: 4 },
  preprocessing: PREPROCESSING_VERSION,
  head: { kind: 'linear', inputs: 4, classes: 2 },
  results: [],
  calibration: null,
  selfCheck: { images: 1, largestDifference: 0 },
};
const tensor = (...shape: number[]): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});
const tensors = (): Map<string, Tensor> =>
  new Map([
    ['output.kernel', tensor(4, 2)],
    ['output.bias', tensor(2)],
    ['feature.mean', tensor(4)],
    ['feature.factor', tensor(4)],
  ]);

let parent: string;
let folder: string;
const path = (name: string): string => join(folder, ...name.split('/'));
const files = ['model-card.json', 'head.safetensors', 'model.onnx'];

async function sum(names: readonly string[] = files): Promise<void> {
  const lines = await Promise.all(
    names.map(async (name) => {
      const hex = createHash('sha256')
        .update(await readFile(path(name)))
        .digest('hex');
      return `${hex}  ${name}\n`;
    }),
  );
  await writeFile(path('SHA256SUMS'), lines.join(''));
}

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'release-'));
  folder = join(parent, 'release');
  await mkdir(folder);
  await writeFile(path('model-card.json'), JSON.stringify(card));
  await writeFile(path('head.safetensors'), writeSafetensors(tensors()));
  await writeFile(path('model.onnx'), 'no model');
  await sum();
});
afterEach(() => rm(parent, { recursive: true }));

const refusal = async (): Promise<{ code?: string; message: string }> =>
  openRelease(folder, 1).then(
    () => {
      throw new Error('it was opened');
    },
    (error: unknown) => error as Error & { code?: string },
  );
const damaged = async (part: string): Promise<void> => {
  const { code, message } = await refusal();
  expect([code, message]).toEqual(['RELEASE_DAMAGED', expect.stringContaining(part)]);
};
async function writeCard(changes: object): Promise<void> {
  await writeFile(path('model-card.json'), JSON.stringify({ ...card, ...changes }));
  await sum();
}

describe('a release folder', () => {
  it('reaches ONNX Runtime when all else is right', () => damaged('model.onnx: '));

  it('that is none is missing', async () => {
    await rm(path('SHA256SUMS'));
    expect((await refusal()).code).toBe('RELEASE_MISSING');
    folder = join(parent, 'nowhere');
    expect((await refusal()).code).toBe('RELEASE_MISSING');
  });

  it.each(files)('with one byte of %s changed is damaged', async (name) => {
    const bytes = await readFile(path(name));
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path(name), bytes);
    await damaged(`${name} is not what SHA256SUMS says`);
  });

  it.each(files)('without %s is damaged, named in the sums or not', async (name) => {
    await rm(path(name));
    await damaged(`${name} is missing`);
    await sum(files.filter((other) => other !== name));
    await damaged(`does not name ${name}`);
  });

  it.each([
    ['a name that leads out', `${'0'.repeat(64)}  ../secret`],
    ['an absolute name', `${'0'.repeat(64)}  /etc/passwd`],
    ['two folders', `${'0'.repeat(64)}  a/b/c`],
    ['a folder of dots', `${'0'.repeat(64)}  ../..`],
    ['a backslash', `${'0'.repeat(64)}  ..\\secret`],
    ['an escape sequence', `${'0'.repeat(64)}  a\u001b[2J`],
    ['no sum', 'model.onnx'],
  ])('whose sums have %s is damaged', async (_, line) => {
    await writeFile(path('SHA256SUMS'), `${line}\n`);
    await damaged('no sum of a file');
  });

  it('that names a file twice, or too many, is damaged', async () => {
    await sum([...files, 'model.onnx']);
    await damaged('twice, or too many');
    const many = Array.from({ length: 1_001 }, (_, k) => `${'0'.repeat(64)}  f${k}\n`);
    await writeFile(path('SHA256SUMS'), many.join(''));
    await damaged('twice, or too many');
  });

  it('with a link to a file outside is damaged, though its sum is right', async () => {
    await writeFile(join(parent, 'outside.json'), JSON.stringify(card));
    await rm(path('model-card.json'));
    await symlink(join(parent, 'outside.json'), path('model-card.json'));
    await sum();
    await damaged('leads out');
  });

  it('with a link inside, or a folder in place of a file, is damaged', async () => {
    await writeFile(path('other.json'), JSON.stringify(card));
    await rm(path('model-card.json'));
    await symlink(path('other.json'), path('model-card.json'));
    await sum();
    await damaged('model-card.json');
    await rm(path('model-card.json'));
    await mkdir(path('model-card.json'));
    await damaged('model-card.json is not a file');
  });

  it('with a text of gigabytes is damaged before it is read', async () => {
    await truncate(path('model-card.json'), 3 * 1024 ** 3);
    await damaged('has more than');
  });
});

describe('a model card', () => {
  it('of another preprocessing or format is incompatible, and says which', async () => {
    await writeCard({ preprocessing: 'cropped/7' });
    expect(await refusal()).toMatchObject({
      code: 'RELEASE_INCOMPATIBLE',
      message: expect.stringContaining(PREPROCESSING_VERSION) as string,
    });
    await writeCard({ format: 'consilium/release/2' });
    expect((await refusal()).code).toBe('RELEASE_INCOMPATIBLE');
    await writeCard({ backbone: { ...card.backbone, side: 512 } });
    expect((await refusal()).code).toBe('RELEASE_INCOMPATIBLE');
  });

  it.each([
    ['three labels for two classes', { study: { name: 's', labels: ['a', 'b', 'c'] } }],
    ['another number of features', { head: { kind: 'linear', inputs: 5, classes: 2 } }],
    ['an absurd head', { head: { kind: 'mlp', inputs: 4, hidden: 1e9, classes: 2 } }],
    ['a use that is not research', { use: 'For diagnosis.' }],
    ['a stray field', { script: 'x' }],
  ])('with %s is damaged', async (_, changes) => {
    await writeCard(changes);
    await damaged('model-card.json');
  });

  it('that is not JSON is damaged', async () => {
    await writeFile(path('model-card.json'), '{');
    await sum();
    await damaged('not JSON');
  });
});

describe('the head of a release', () => {
  it.each([
    ['lacks a tensor', () => [...tensors()].slice(1)],
    ['has another shape', () => [...tensors(), ['output.kernel', tensor(2, 4)] as const]],
    [
      'is not finite',
      () => [...tensors(), ['feature.mean', { shape: [4], values: new Float32Array(4).fill(NaN) }] as const],
    ],
  ])('that %s is damaged', async (_, entries) => {
    await writeFile(path('head.safetensors'), writeSafetensors(new Map(entries())));
    await sum();
    await damaged('head.safetensors has no');
  });

  it('that is no safetensors is damaged', async () => {
    await writeFile(path('head.safetensors'), 'pickle');
    await sum();
    await damaged('head.safetensors: ');
  });
});
