/**
 * Whether an engine computes what it should: ResNet50 at a sixteenth of the width on one image, against features that
 * PyTorch computed in float64 (`vectors/make_vectors.py`). No engine is trusted because another one agrees with it.
 */
import { readFile } from 'node:fs/promises';
import { readSafetensors } from '@consilium/tensors';
import { type Network, networkOf, type Recipe } from '../backbone.js';
import type { EngineId } from '../engine.js';
import { normalisedPixels } from './pixels.js';
import { weightsOf } from '../weights.js';
import { modelFor, openKernel } from './kernels.js';

const VECTORS = new URL('../../vectors/', import.meta.url);
const ARCHITECTURE = { variant: 'v1.5', width: 4, side: 64 } as const;
/** As near as the features of weights that were imported have to be; float32 engines are at 1e-6, halves far above. */
export const RELATIVE_ERROR_MAX = 1e-4;

async function readKnownAnswer(): Promise<{ network: Network; image: Float32Array; expected: Float32Array }> {
  const read = async (name: string) => readSafetensors(await readFile(new URL(`${name}.safetensors`, VECTORS)));
  const { tensors } = await read('reduced-expected');
  const recipe: Recipe = {
    ...{ name: 'self-test', trained: false, epsilon: 1e-5 },
    channelMean: [0.485, 0.456, 0.406],
    channelStdDev: [0.229, 0.224, 0.225],
  };
  const network = networkOf(ARCHITECTURE, recipe, weightsOf(await read('reduced'), ARCHITECTURE));
  const first = (name: string, length: number) => tensors.get(name)?.values.subarray(0, length) ?? new Float32Array(0);
  return {
    network,
    image: first('images', ARCHITECTURE.side ** 2),
    expected: first('features.v1.5', network.featureLength),
  };
}

/** @returns ||actual - expected|| / ||expected||, NaN if lengths differ or a number is not finite. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length || expected.length === 0) return NaN;
  let [difference, norm] = [0, 0];
  for (const [i, value] of expected.entries()) {
    difference += ((actual[i] ?? NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

export type Verdict =
  { readonly passed: true; readonly relativeError: number } | { readonly passed: false; readonly why: string };

/**
 * To be called in the engine's own thread or process.
 *
 * @param whileOpen - called after the computation, when devices are in use.
 * @throws whatever the engine throws.
 */
export async function selfTest(id: EngineId, threads: number, whileOpen?: () => void): Promise<Verdict> {
  const { network, image, expected } = await readKnownAnswer();
  const kernel = await openKernel(id, modelFor(id, network), threads);
  try {
    const actual = await kernel.compute(normalisedPixels(image, network), network.side);
    whileOpen?.();
    const error = actual === undefined ? NaN : relativeError(actual, expected);
    if (error <= RELATIVE_ERROR_MAX) return { passed: true, relativeError: error };
    return { passed: false, why: `its features differ from the known ones, relative error ${error.toExponential(1)}` };
  } finally {
    await kernel.release();
  }
}
