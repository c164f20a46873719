/** ResNet50 as an ONNX graph: from normalised pixels (n, 3, side, side) to features (n, 2048). */
import { type Architecture, blocks, type Convolution, featureLength, stem } from './architecture.js';
import { encodeOnnx, type OnnxNode, type OnnxTensor, type OnnxWeight } from './onnx.js';
import { foldBias, foldKernel, type NormedConvolution, type Weights } from './weights.js';

export const PIXELS = 'pixels';
export const FEATURES = 'features';

export const pixelsTensor = ({ side }: Architecture): OnnxTensor => ({ name: PIXELS, shape: ['n', 3, side, side] });
export const featuresTensor = (architecture: Architecture): OnnxTensor => ({
  name: FEATURES,
  shape: ['n', featureLength(architecture)],
});

export function convolutionNode(
  { name, kernel, stride }: Convolution,
  inputs: readonly string[],
  output: string,
): OnnxNode {
  const pad = (kernel - 1) / 2;
  return {
    operator: 'Conv',
    inputs: [inputs[0] ?? PIXELS, `${name}.weight`, ...inputs.slice(1)],
    outputs: [output],
    attributes: { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] },
  };
}

/**
 * @param normed - nodes for one convolution and its batch norm, from `input` to `output`: folded in production, measured
 * in the calibration.
 */
export function resnetNodes(
  architecture: Architecture,
  normed: (convolution: Convolution, input: string, output: string) => readonly OnnxNode[],
): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const apply = (
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ) => {
    nodes.push({ operator, inputs, outputs: [output], attributes });
    return output;
  };
  const convolve = (convolution: Convolution, input: string): string => {
    const output = `${convolution.name}.normed`;
    nodes.push(...normed(convolution, input, output));
    return output;
  };
  const relu = (input: string, output: string): string => apply('Relu', [input], output);

  const first = relu(convolve(stem(architecture), PIXELS), 'stem');
  let x = apply('MaxPool', [first], 'pooled', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  for (const { name, reduce, spatial, expand, shortcut } of blocks(architecture)) {
    const reduced = relu(convolve(reduce, x), `${name}.reduced`);
    const spread = relu(convolve(spatial, reduced), `${name}.spread`);
    const residual = convolve(expand, spread);
    const identity = shortcut === undefined ? x : convolve(shortcut, x);
    x = relu(apply('Add', [residual, identity], `${name}.sum`), name);
  }
  apply('Flatten', [apply('GlobalAveragePool', [x], 'averaged')], FEATURES);
  return nodes;
}

const foldedWeights = (weight: NormedConvolution, epsilon: number): OnnxWeight[] => {
  const { name, inputs, outputs, kernel } = weight.convolution;
  return [
    {
      name: `${name}.weight`,
      shape: [outputs, inputs, kernel, kernel],
      fill: (values) => {
        foldKernel(weight, epsilon, values);
      },
    },
    {
      name: `${name}.bias`,
      shape: [outputs],
      fill: (values) => {
        foldBias(weight, epsilon, values);
      },
    },
  ];
};

export interface FoldedConvolution {
  /** (outputs, inputs, kernel, kernel), the shape of `kernel`. */
  readonly shape: readonly [number, number, number, number];
  readonly kernel: Float32Array<ArrayBuffer>;
  /** Shape (outputs,). */
  readonly bias: Float32Array<ArrayBuffer>;
}

/** The network without a graph, for engines that build their own. */
export interface FoldedLayers {
  readonly architecture: Architecture;
  /** By the names of {@link Convolution}. */
  readonly convolutions: ReadonlyMap<string, FoldedConvolution>;
}

/** @returns copies of about 94 MB, batch norms folded in: the same numbers as in {@link foldedModel}. */
export const foldedLayers = (architecture: Architecture, weights: Weights, epsilon: number): FoldedLayers => ({
  architecture,
  convolutions: new Map(
    weights.map((weight) => {
      const { name, inputs, outputs, kernel: size } = weight.convolution;
      const [kernel, bias] = [new Float32Array(weight.kernel.length), new Float32Array(outputs)];
      foldKernel(weight, epsilon, kernel);
      foldBias(weight, epsilon, bias);
      return [name, { shape: [outputs, inputs, size, size], kernel, bias }];
    }),
  ),
});

/** @returns an ONNX file of about 94 MB, batch norms folded in. */
export const foldedModel = (architecture: Architecture, weights: Weights, epsilon: number): Uint8Array<ArrayBuffer> =>
  encodeOnnx({
    name: `resnet50-${architecture.variant}`,
    nodes: resnetNodes(architecture, (convolution, input, output) => [
      convolutionNode(convolution, [input, `${convolution.name}.bias`], output),
    ]),
    weights: weights.flatMap((weight) => foldedWeights(weight, epsilon)),
    inputs: [pixelsTensor(architecture)],
    outputs: [featuresTensor(architecture)],
  });
