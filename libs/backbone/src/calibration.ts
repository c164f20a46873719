/**
 * Measures the batch norms of the untrained backbone, all in one pass: each layer is normalised by the statistics of the
 * images before the next one sees them. Used by `calibration/measure.mjs` alone; what it measured is shipped.
 */
import type { Tensor } from '@consilium/tensors';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type Architecture, type Convolution, convolutions } from './architecture.js';
import { networkOf, type Recipe } from './backbone.js';
import { openEngine } from './engines.js';
import { featureTensors, measureFeatures } from './features.js';
import { convolutionNode, PIXELS, pixelsTensor, resnetNodes } from './graph.js';
import { encodeOnnx, type OnnxNode } from './onnx.js';
import { normalisedPixels } from './engines/pixels.js';
import { randomWeights } from './untrained.js';
import { tensorsOf, type Weights, weightsOf } from './weights.js';

const EPSILON = 'epsilon';

/** Convolution, then scaled z-scores over images and positions; both moments are outputs of the graph. */
function measuredNodes(convolution: Convolution, input: string, output: string): OnnxNode[] {
  const { name, norm } = convolution;
  const axes = { axes: [0, 2, 3] };
  const part = (suffix: string) => `${name}.${suffix}`;
  const node = (
    operator: string,
    inputs: string[],
    result: string,
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    operator,
    inputs,
    outputs: [result],
    attributes,
  });
  return [
    convolutionNode(convolution, [input], part('raw')),
    node('ReduceMean', [part('raw')], `${norm}.running_mean`, axes),
    node('Sub', [part('raw'), `${norm}.running_mean`], part('centred')),
    node('Mul', [part('centred'), part('centred')], part('squared')),
    node('ReduceMean', [part('squared')], `${norm}.running_var`, axes),
    node('Add', [`${norm}.running_var`, EPSILON], part('guarded')),
    node('Sqrt', [part('guarded')], part('deviation')),
    node('Div', [part('centred'), part('deviation')], part('score')),
    node('Mul', [part('score'), `${norm}.weight`], output),
  ];
}

const copyOf = (source: Float32Array) => (values: Float32Array) => {
  values.set(source);
};

function measuringModel(architecture: Architecture, weights: Weights, epsilon: number): Uint8Array {
  const moments = convolutions(architecture).flatMap(({ norm, outputs }) =>
    ['running_mean', 'running_var'].map((part) => ({ name: `${norm}.${part}`, shape: [1, outputs, 1, 1] })),
  );
  return encodeOnnx({
    name: 'calibration',
    nodes: resnetNodes(architecture, measuredNodes),
    weights: [
      { name: EPSILON, shape: [1], fill: (values) => values.fill(epsilon) },
      ...weights.flatMap(({ convolution: { name, norm, outputs, inputs, kernel: size }, kernel, scale }) => [
        { name: `${name}.weight`, shape: [outputs, inputs, size, size], fill: copyOf(kernel) },
        { name: `${norm}.weight`, shape: [1, outputs, 1, 1], fill: copyOf(scale) },
      ]),
    ],
    inputs: [pixelsTensor(architecture)],
    outputs: moments,
  });
}

/**
 * @param images - grey, [0, 1], shape (n, side, side); synthetic. The first `normImages` measure the batch norms, at about
 * 15 MB of memory each at full size; all measure the features.
 * @returns the tensors of the calibration file.
 */
export async function measureCalibration(
  architecture: Architecture,
  recipe: Recipe,
  images: Float32Array,
  { n, normImages, threads }: { readonly n: number; readonly normImages: number; readonly threads: number },
): Promise<Map<string, Tensor>> {
  const random = randomWeights(architecture);
  const network = networkOf(architecture, recipe, random);
  const { side } = architecture;
  const pixels = new Float32Array(normImages * 3 * side * side);
  for (let i = 0; i < normImages; i++) {
    pixels.set(normalisedPixels(images.subarray(i * side * side, (i + 1) * side * side), network), i * 3 * side * side);
  }
  const session = await InferenceSession.create(measuringModel(architecture, random, recipe.epsilon), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
  });
  const outputs = await session.run({ [PIXELS]: new OrtTensor('float32', pixels, [normImages, 3, side, side]) });
  await session.release();

  const calibration = new Map<string, Tensor>();
  for (const [name, { data }] of Object.entries(outputs)) {
    const values = Float32Array.from(data as Float32Array);
    calibration.set(name, { shape: [values.length], values });
  }
  const weights = weightsOf(
    { tensors: new Map([...tensorsOf(random), ...calibration]), others: new Map() },
    architecture,
  );
  const engine = await openEngine(networkOf(architecture, recipe, weights), { threads });
  for (const [name, tensor] of featureTensors(await measureFeatures(engine, images, n))) calibration.set(name, tensor);
  await engine.close();
  return calibration;
}
