/** Runs a released ONNX file, and nothing else of it is believed than what comes out with the right shape. */
import type { InferenceSession } from 'onnxruntime-node';
import { BackboneError } from '../errors.js';
import { FEATURES } from '../graph.js';
import { mapSide, MAPS, PROBABILITIES, XRAY } from './onnx-model.js';

export interface ReleasedShape {
  /** Height and width of an input image in pixels. */
  readonly side: number;
  readonly featureLength: number;
  readonly classes: number;
}

export interface Outputs {
  /** Shape (classes,), sums to 1. */
  readonly probabilities: Float32Array;
  /** Shape (featureLength,), not standardised: the means of `maps`. */
  readonly features: Float32Array;
  /** Shape (featureLength, m, m) with m = side / 32, row-major. */
  readonly maps: Float32Array;
}

export interface ReleasedModel {
  /**
   * @param pixels - grey, [0, 1], shape (side, side). Not modified.
   * @throws {@link BackboneError} `FEATURES_NOT_FINITE`; `WEIGHTS_INVALID` if an output has another length than it said.
   */
  run(pixels: Float32Array): Promise<Outputs>;
  close(): Promise<void>;
}

const invalid = (why: string, cause?: unknown): BackboneError => new BackboneError('WEIGHTS_INVALID', why, { cause });

/** The free dimension has a name or -1; all others must be ours. */
const sameShape = (shape: readonly (number | string)[], expected: readonly number[]): boolean =>
  shape.length === expected.length + 1 && expected.every((length, axis) => shape[axis + 1] === length);

function checkTensors(session: InferenceSession, { side, featureLength, classes }: ReleasedShape): void {
  const maps = mapSide(side);
  const wanted = [
    [session.inputMetadata, XRAY, [1, side, side]],
    [session.outputMetadata, PROBABILITIES, [classes]],
    [session.outputMetadata, FEATURES, [featureLength]],
    [session.outputMetadata, MAPS, [featureLength, maps, maps]],
  ] as const;
  for (const [list, name, shape] of wanted) {
    const tensor = list.find((entry) => entry.name === name);
    if (tensor?.isTensor !== true || tensor.type !== 'float32' || !sameShape(tensor.shape, shape)) {
      throw invalid(`the model has no tensor ${name} of shape n x ${shape.join(' x ')}`);
    }
  }
}

/**
 * @param bytes - a file of `releaseOnnx`; from elsewhere, so its declared tensors are checked before anything runs.
 * @throws {@link BackboneError} `ENGINE_UNAVAILABLE` if ONNX Runtime does not load, `WEIGHTS_INVALID` if it refuses the
 * file or the tensors are not those of a release of this shape.
 */
export async function openReleasedModel(
  bytes: Uint8Array,
  shape: ReleasedShape,
  { threads }: { readonly threads: number },
): Promise<ReleasedModel> {
  const runtime = await import('onnxruntime-node').catch((cause: unknown) => {
    throw new BackboneError('ENGINE_UNAVAILABLE', 'ONNX Runtime did not load', { cause });
  });
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  };
  const session = await runtime.InferenceSession.create(bytes, options).catch((cause: unknown) => {
    throw invalid('ONNX Runtime does not accept the model', cause);
  });
  try {
    checkTensors(session, shape);
  } catch (error) {
    await session.release();
    throw error;
  }
  const { side, featureLength, classes } = shape;
  const lengths = { [PROBABILITIES]: classes, [FEATURES]: featureLength, [MAPS]: featureLength * mapSide(side) ** 2 };
  return {
    async run(pixels) {
      if (pixels.length !== side * side) throw new RangeError(`expected an image of ${side}x${side} pixels`);
      const feeds = { [XRAY]: new runtime.Tensor('float32', pixels, [1, 1, side, side]) };
      const outputs = await session.run(feeds, Object.keys(lengths)).catch((cause: unknown) => {
        throw invalid('ONNX Runtime could not run the model', cause);
      });
      const take = (name: keyof typeof lengths): Float32Array => {
        const values = outputs[name]?.data;
        if (!(values instanceof Float32Array) || values.length !== lengths[name]) {
          throw invalid(`the model gave ${name} of another length than it said`);
        }
        if (!values.every(Number.isFinite)) {
          throw new BackboneError('FEATURES_NOT_FINITE', `${name} has a number that is not finite`);
        }
        return values;
      };
      return { probabilities: take(PROBABILITIES), features: take(FEATURES), maps: take(MAPS) };
    },
    close: () => session.release(),
  };
}
