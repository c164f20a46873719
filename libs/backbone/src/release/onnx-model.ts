/** The whole model as one ONNX file: from greys of the documented preprocessing to probabilities, and what explains them. */
import { featureLength } from '../architecture.js';
import type { Backbone } from '../backbone.js';
import { convolutionNode, FEATURES, PIXELS, resnetNodes } from '../graph.js';
import { encodeOnnx, type OnnxNode, type OnnxWeight } from '../onnx.js';
import { architectureOf, checkHead, type DenseLayer, featureScaling, foldedConvolutions } from './parts.js';

export const XRAY = 'xray';
export const PROBABILITIES = 'probabilities';
export const MAPS = 'maps';

/** Five halvings: the stem, its pooling, and the first block of three stages. */
const REDUCTION = 32;
/** What the last block of the last stage gives. */
const LAST_BLOCK = 'layer4.2';

export const mapSide = (side: number): number => Math.ceil(side / REDUCTION);

const held = (name: string, shape: readonly number[], values: ArrayLike<number>): OnnxWeight => ({
  name,
  shape,
  fill: (target) => {
    target.set(values);
  },
});

const node = (operator: string, inputs: readonly string[], output: string): OnnxNode => ({
  operator,
  inputs,
  outputs: [output],
});

/** Gemm for each layer, relu between them, softmax at the end. */
function headNodes(head: readonly DenseLayer[], input: string): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  let x = input;
  for (const l of head.keys()) {
    const last = l === head.length - 1;
    nodes.push(node('Gemm', [x, `head.${l}.kernel`, `head.${l}.bias`], `head.${l}`));
    x = last ? PROBABILITIES : `head.${l}.active`;
    nodes.push(
      last ? { ...node('Softmax', [`head.${l}`], x), attributes: { axis: 1 } } : node('Relu', [`head.${l}`], x),
    );
  }
  return nodes;
}

/**
 * Input `xray`: grey in [0, 1], shape (n, 1, side, side). Outputs: `probabilities` (n, classes), `features`
 * (n, featureLength), not standardised, and `maps` (n, featureLength, side / 32, side / 32), whose means are the features.
 *
 * @param head - from the standardised features to class scores; its last layer gives `classes` numbers.
 * @param metadata - written into the file as it is: nothing that must not leave.
 * @throws RangeError if the layers do not fit.
 */
export function releaseOnnx(
  backbone: Backbone,
  head: readonly DenseLayer[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  checkHead(backbone, head);
  const architecture = architectureOf(backbone);
  const { side, channelMean, channelStdDev } = backbone;
  const { mean, factor } = featureScaling(backbone);
  const length = featureLength(architecture);
  const classes = head.at(-1)?.outputs ?? 0;
  const maps = mapSide(side);
  return encodeOnnx(
    {
      name: `consilium-${architecture.variant}`,
      nodes: [
        node('Sub', [XRAY, 'channel.mean'], 'channels'),
        node('Div', ['channels', 'channel.std'], PIXELS),
        ...resnetNodes(architecture, (convolution, input, output) => [
          convolutionNode(convolution, [input, `${convolution.name}.bias`], output),
        ]),
        node('Identity', [LAST_BLOCK], MAPS),
        node('Sub', [FEATURES, 'feature.mean'], 'feature.centred'),
        node('Mul', ['feature.centred', 'feature.factor'], 'feature.score'),
        ...headNodes(head, 'feature.score'),
      ],
      weights: [
        held('channel.mean', [1, 3, 1, 1], channelMean),
        held('channel.std', [1, 3, 1, 1], channelStdDev),
        ...foldedConvolutions(backbone).flatMap(
          ({ convolution: { name, inputs, outputs, kernel: size }, ...folded }) => [
            held(`${name}.weight`, [outputs, inputs, size, size], folded.kernel),
            held(`${name}.bias`, [outputs], folded.bias),
          ],
        ),
        held('feature.mean', [1, length], mean),
        held('feature.factor', [1, length], factor),
        ...head.flatMap(({ inputs, outputs, kernel, bias }, l) => [
          held(`head.${l}.kernel`, [inputs, outputs], kernel),
          held(`head.${l}.bias`, [outputs], bias),
        ]),
      ],
      inputs: [{ name: XRAY, shape: ['n', 1, side, side] }],
      outputs: [
        { name: PROBABILITIES, shape: ['n', classes] },
        { name: FEATURES, shape: ['n', length] },
        { name: MAPS, shape: ['n', length, maps, maps] },
      ],
    },
    metadata,
  );
}
