/**
 * Images per second of the network alone, in this product and in Python's ONNX Runtime: the same model file, the same
 * image, the same number of threads, in turns within one run, so that a busy machine slows both.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine, untrainedBackbone, type Backbone, type Engine, type EnginePreference } from '@consilium/backbone';
import { quantile } from './quantile.js';

const SIDE = 224;
const ROUNDS = 5;
const WARM_UP = 3;

export interface InferenceOptions {
  /** Images of one turn. */
  readonly images: number;
  readonly threads?: number;
  readonly engine?: EnginePreference;
  /** A Python with onnxruntime and numpy. */
  readonly python?: string;
}

/** Prints seconds and the sum of the features, which says that both computed the same. */
const PYTHON_PROGRAM = `
import sys, time
import numpy, onnxruntime
model, pixels, images, threads, warm_up = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
feed = {"pixels": numpy.fromfile(pixels, numpy.float32).reshape(1, 3, ${SIDE}, ${SIDE})}
for _ in range(warm_up):
    session.run(None, feed)
started = time.perf_counter()
for _ in range(images):
    (features,) = session.run(None, feed)
print(time.perf_counter() - started, float(features.sum()), onnxruntime.__version__)
`;

function runPython(python: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-c', PYTHON_PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new Error(`${python} ended with status ${String(status)}`));
    });
  });
}

/** A smooth picture; the time does not depend on what is in it. */
const picture = Float32Array.from(
  { length: SIDE * SIDE },
  (_, i) => 0.5 + 0.4 * Math.sin(i / 900) * Math.cos((i % SIDE) / 30),
);

function normalised({ channelMean, channelStdDev }: Backbone): Float32Array {
  const pixels = new Float32Array(3 * picture.length);
  for (const [channel, mean] of channelMean.entries()) {
    pixels.set(
      picture.map((value) => (value - mean) / (channelStdDev[channel] as number)),
      channel * picture.length,
    );
  }
  return pixels;
}

const repeated = (n: number): Float32Array => {
  const images = new Float32Array(n * picture.length);
  for (let k = 0; k < n; k++) images.set(picture, k * picture.length);
  return images;
};

const sum = (features: Float32Array): number => features.reduce((total, value) => total + value, 0);

/** @returns images per second, of one `embed` for all. */
async function turn(engine: Engine, images: number): Promise<number> {
  const pixels = repeated(images);
  await engine.embed(pixels.subarray(0, WARM_UP * picture.length), WARM_UP);
  const startedMs = performance.now();
  await engine.embed(pixels, images);
  return (1_000 * images) / (performance.now() - startedMs);
}

/** @throws Error if Python computes something else: the comparison would mean nothing. */
export async function inference({ images, python, ...options }: InferenceOptions): Promise<object> {
  const threads = options.threads ?? availableParallelism();
  const backbone = await untrainedBackbone();
  const engine = await openEngine(backbone, { threads, engine: options.engine ?? 'onnxruntime-cpu' });
  const features = sum(await engine.embed(picture, 1));
  const directory = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const [model, pixels] = [join(directory, 'model.onnx'), join(directory, 'pixels')];
  const perSecond: number[] = [];
  const pythonPerSecond: number[] = [];
  let pythonVersion = '';
  try {
    await writeFile(model, backbone.onnxModel());
    await writeFile(pixels, normalised(backbone));
    for (let round = 0; round < ROUNDS; round++) {
      perSecond.push(await turn(engine, images));
      if (python === undefined) continue;
      const printed = await runPython(python, [model, pixels, ...[images, threads, WARM_UP].map(String)]);
      const [seconds, total, version = ''] = printed.trim().split(' ');
      if (!(Math.abs(Number(total) / features - 1) < 1e-4)) throw new Error('Python computed other features');
      pythonPerSecond.push(images / Number(seconds));
      pythonVersion = version;
    }
  } finally {
    await engine.close();
    await rm(directory, { recursive: true });
  }
  const median = quantile(perSecond, 0.5);
  return {
    ...{ bench: 'inference', engine: engine.id, threads, images, rounds: ROUNDS, perSecond: median },
    ...(python !== undefined && {
      python: `onnxruntime ${pythonVersion}`,
      pythonPerSecond: quantile(pythonPerSecond, 0.5),
      ratio: median / quantile(pythonPerSecond, 0.5),
    }),
  };
}
