/**
 * Claims: (1) at full width and on radiographs, TensorFlow.js (wasm) and ONNX Runtime compiled to WebAssembly give the
 * embeddings of native ONNX Runtime, cosine at least 0.99999 for each and a relative error of at most 1e-4; (2) `engine
 * list` names every engine with a status and a reason, and prints nothing else; (3) `doctor` says what is wrong and what
 * to do, with status 0, 2 or 5, and changes nothing; (4) `cache gc` keeps a cache within its limit and shows no name.
 * Oracle: ONNX Runtime, which the library's tests hold to PyTorch; the folder as the file system shows it.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUTOMATIC_ENGINES,
  EmbeddingCache,
  type EngineId,
  type EngineProbe,
  openEngine,
  untrainedBackbone,
} from '@consilium/backbone';
import { openHome } from '@consilium/coordinator';
import { decodeImage } from '@consilium/imaging';
import { demoHospitals, encodePhantom, renderPhantom } from '@consilium/phantom';
import { runProgram, type Ending } from '../support/programs.js';
import { joinAll } from '../support/members.js';

const WIDTH = 2048;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-engines-'));
});
afterAll(() => rm(directory, { recursive: true }));

const run = (...args: string[]): Promise<Ending> => runProgram('hospital', args, directory);

function compare(actual: Float32Array, expected: Float32Array): { cosine: number; relativeError: number } {
  let [product, actualSquares, expectedSquares, difference] = [0, 0, 0, 0];
  for (const [i, value] of expected.entries()) {
    const other = actual[i] ?? NaN;
    product += value * other;
    actualSquares += other ** 2;
    expectedSquares += value ** 2;
    difference += (other - value) ** 2;
  }
  return {
    cosine: product / Math.sqrt(actualSquares * expectedSquares),
    relativeError: Math.sqrt(difference / expectedSquares),
  };
}

describe('engines at full width', () => {
  it('give the same embeddings of the same radiographs', async () => {
    const backbone = await untrainedBackbone();
    const [hospital] = demoHospitals(1, 'engines');
    const images = new Float32Array(2 * 224 * 224);
    for (const [k, label] of (['normal', 'covid'] as const).entries()) {
      const film = renderPhantom({ seed: `engines/${k}`, label, scanner: (hospital as typeof hospital & {}).scanner });
      images.set(await decodeImage(await encodePhantom(film, 'png16')), k * 224 * 224);
    }
    const embed = async (engine: EngineId): Promise<Float32Array> => {
      const opened = await openEngine(backbone, { threads: 2, engine });
      expect(opened.id).toBe(engine);
      return opened.embed(images, 2).finally(() => opened.close());
    };
    const expected = await embed('onnxruntime-cpu');
    const row = (features: Float32Array, k: number) => features.subarray(k * WIDTH, (k + 1) * WIDTH);
    // Otherwise agreement would say nothing: an engine that ignores its image would have it too.
    expect(compare(row(expected, 0), row(expected, 1)).relativeError).toBeGreaterThan(0.01);
    for (const engine of ['tfjs-wasm', 'onnxruntime-web'] as const) {
      const actual = await embed(engine);
      for (const k of [0, 1]) {
        const { cosine, relativeError } = compare(row(actual, k), row(expected, k));
        expect(cosine).toBeGreaterThanOrEqual(0.99999);
        expect(relativeError).toBeLessThanOrEqual(1e-4);
      }
    }
  });
});

describe('engine list', () => {
  it('names every engine with its status and why', async () => {
    const { status, stdout, stderr } = await run('engine', 'list', '--format', 'json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const list = JSON.parse(stdout) as { automatic: string; engines: EngineProbe[] };
    expect(list.engines.map(({ id }) => id)).toEqual(AUTOMATIC_ENGINES);
    for (const { status: found, why } of list.engines) {
      expect(['available', 'absent', 'failed']).toContain(found);
      expect(why).not.toBe('');
    }
    expect(list.automatic).toBe(list.engines.find((engine) => engine.status === 'available')?.id);
    const text = await run('engine');
    expect(text.stdout.trim().split('\n')).toHaveLength(AUTOMATIC_ENGINES.length + 1);
    expect(text.stdout).toContain(`auto takes ${list.automatic}`);
  });
});

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly fix: string;
}

/** With a coordinator that is not running. */
const joined = async (name: string): Promise<void> =>
  joinAll(await openHome(join(directory, 'office')), [name], () => join(directory, name));

async function doctor(
  home: string,
): Promise<{ status: number | null; stderr: string; findings: Map<string, Finding> }> {
  const { status, stdout, stderr } = await run('doctor', '--home', home, '--format', 'json');
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { status, stderr, findings: new Map(findings.map((finding) => [finding.check, finding])) };
}

describe('doctor', () => {
  it('finds a sound node sound, and says that its backbone is untrained', async () => {
    const home = join(directory, 'sound');
    await joined('sound');
    await mkdir(join(directory, 'images'));
    await writeFile(join(directory, 'images', 'labels.csv'), 'file,label\n');
    await writeFile(join(home, 'hospital.yaml'), 'coordinator: http://127.0.0.1:9\ndata: ../images\n');
    const before = (await readdir(home)).sort();
    const { status, stderr, findings } = await doctor(home);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const check of [
      'config',
      'node',
      'home',
      'identity',
      'card',
      'journal',
      'proxy',
      'data',
      'engine',
      'engine onnxruntime-cpu',
      'trainer',
    ]) {
      expect(findings.get(check), check).toMatchObject({ status: 'ok', fix: '' });
    }
    expect(findings.get('backbone')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('untrained') as string,
    });
    expect([...findings.keys()]).toEqual(expect.arrayContaining(['disk', 'memory']));
    // It may start later: a node keeps trying.
    expect(findings.get('coordinator')).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('NOTHING_LISTENS') as string,
    });
    expect(findings.get('policy')).toMatchObject({ status: 'warn' });
    expect((await readdir(home)).sort()).toEqual(before);
  });

  it('ends with 5 for what cannot be used, each with what to do', async () => {
    const home = join(directory, 'broken');
    await joined('broken');
    await chmod(join(home, 'identity.key'), 0o644);
    await writeFile(join(home, 'weights.safetensors'), 'no weights');
    const config = 'coordinator: http://127.0.0.1:9\ndata: nowhere\nbackbone: weights.safetensors\n';
    await writeFile(join(home, 'hospital.yaml'), config);
    const { status, stderr, findings } = await doctor(home);
    expect(status).toBe(5);
    expect(stderr).toBe('DATA_INVALID: this node is not ready: identity, data, backbone\n');
    for (const check of ['identity', 'data', 'backbone']) {
      expect(findings.get(check)).toMatchObject({ status: 'fail', fix: expect.stringMatching(/\w{4}/) as string });
    }
    expect(findings.get('engine')?.status).toBe('ok');
  });

  it('ends with 2 for a configuration that is missing or wrong, and looks at the rest all the same', async () => {
    const missing = await doctor(join(directory, 'nowhere'));
    expect(missing.status).toBe(2);
    expect(missing.findings.get('config')?.detail).toMatch(/^FILE_MISSING: /);
    expect(missing.findings.get('home')).toMatchObject({ status: 'fail' });
    expect(missing.findings.get('engine')?.status).toBe('ok');
    const home = join(directory, 'misspelt');
    await mkdir(home);
    await writeFile(join(home, 'hospital.yaml'), 'coordinator: http://127.0.0.1:9\ndata: x\nthread: 2\n');
    const wrong = await doctor(home);
    expect(wrong.status).toBe(2);
    expect(wrong.findings.get('config')?.detail).toContain('thread');
  });
});

describe('cache gc', () => {
  it('keeps the cache of the configuration within the limit', async () => {
    const home = join(directory, 'caching');
    const folder = join(home, 'embeddings');
    await mkdir(home);
    await writeFile(join(home, 'hospital.yaml'), 'coordinator: http://127.0.0.1:9\ndata: x\ncache: embeddings\n');
    const key = {
      backboneHash: 'b',
      preprocessingVersion: 'p',
      engineId: 'onnxruntime-cpu',
      precision: 'fp32',
    } as const;
    const cache = new EmbeddingCache(folder, key);
    for (let k = 0; k < 10; k++) await cache.put(`patient-7/film ${k}.png`, new Float32Array(WIDTH).fill(k));
    const names = await readdir(folder);
    for (const [k, name] of names.entries()) {
      const used = new Date(Date.now() - (k + 2) * 3_600_000);
      await utimes(join(folder, name), used, used);
    }
    const show = await run('cache', 'show', '--home', home, '--format', 'json');
    const { entries, bytes } = JSON.parse(show.stdout) as { entries: number; bytes: number };
    expect(entries).toBe(10);
    const halfGb = String(bytes / 2 / 1e9);
    const collected = await run('cache', 'gc', '--home', home, '--max-gb', halfGb, '--format', 'json');
    expect(JSON.parse(collected.stdout)).toMatchObject({ removedEntries: 5, left: { entries: 5 } });
    expect((await readdir(folder)).sort()).toEqual(names.slice(0, 5).sort());
    expect(show.stdout + collected.stdout).not.toMatch(/patient|film/);
    expect((await stat(folder)).mode & 0o77).toBe(0);
    expect(await readFile(join(folder, names[0] as string))).toHaveLength(8224);
    expect((await run('cache', 'gc', '--home', home, '--max-gb', '-1')).status).toBe(2);
  });
});
