/**
 * ResNet50 as a list: weights are looked up by it, random ones are drawn by it, and the graph is built from it.
 *
 * @see He et al., "Deep residual learning for image recognition", CVPR 2016, table 1, doi:10.1109/CVPR.2016.90
 */

/** Where a downsampling block has its stride: v1 in the first 1x1 (the paper, Keras), v1.5 in the 3x3 (torchvision, timm). */
export type Variant = 'v1' | 'v1.5';

export interface Architecture {
  /** It belongs to the weights: the shapes are the same, so nothing but the features would tell a wrong one. */
  readonly variant: Variant;
  /** Channels after the first convolution: 64 in ResNet50, less only in tests. */
  readonly width: number;
  /** Height and width of the input in pixels: 224, less only in tests. */
  readonly side: number;
}

export interface Convolution {
  /** Names of the tensors as in torchvision: `<name>.weight` and `<norm>.{weight,bias,running_mean,running_var}`. */
  readonly name: string;
  readonly norm: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Square, odd; the padding is (kernel - 1) / 2 on every side. */
  readonly kernel: number;
  readonly stride: number;
}

/** relu(expand(relu(spatial(relu(reduce(x))))) + (shortcut ? shortcut(x) : x)); only `spatial` and `expand` lack names in the paper. */
export interface Block {
  readonly name: string;
  readonly reduce: Convolution;
  readonly spatial: Convolution;
  readonly expand: Convolution;
  readonly shortcut?: Convolution;
}

const BLOCKS_PER_STAGE = [3, 4, 6, 3];
const EXPANSION = 4;

export const resnet50 = (variant: Variant): Architecture => ({ variant, width: 64, side: 224 });

/** Numbers in one embedding: 2048 for ResNet50. */
export const featureLength = ({ width }: Architecture): number =>
  width * 2 ** (BLOCKS_PER_STAGE.length - 1) * EXPANSION;

export const stem = ({ width }: Architecture): Convolution => ({
  name: 'conv1',
  norm: 'bn1',
  inputs: 3,
  outputs: width,
  kernel: 7,
  stride: 2,
});

export function blocks({ variant, width }: Architecture): Block[] {
  const result: Block[] = [];
  let channels = width;
  for (const [stage, count] of BLOCKS_PER_STAGE.entries()) {
    const inner = width * 2 ** stage;
    const outputs = inner * EXPANSION;
    for (let i = 0; i < count; i++) {
      const name = `layer${stage + 1}.${i}`;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const [reduceStride, spatialStride] = variant === 'v1' ? [stride, 1] : [1, stride];
      const numbered = (n: number) => ({ name: `${name}.conv${n}`, norm: `${name}.bn${n}` });
      result.push({
        name,
        reduce: { ...numbered(1), inputs: channels, outputs: inner, kernel: 1, stride: reduceStride },
        spatial: { ...numbered(2), inputs: inner, outputs: inner, kernel: 3, stride: spatialStride },
        expand: { ...numbered(3), inputs: inner, outputs, kernel: 1, stride: 1 },
        ...(i === 0 && {
          shortcut: {
            name: `${name}.downsample.0`,
            norm: `${name}.downsample.1`,
            inputs: channels,
            outputs,
            kernel: 1,
            stride,
          },
        }),
      });
      channels = outputs;
    }
  }
  return result;
}

/** All 53, in the order in which weights are hashed and stored. */
export const convolutions = (architecture: Architecture): Convolution[] => [
  stem(architecture),
  ...blocks(architecture).flatMap(({ reduce, spatial, expand, shortcut }) =>
    shortcut === undefined ? [reduce, spatial, expand] : [reduce, spatial, expand, shortcut],
  ),
];

export const kernelLength = ({ inputs, outputs, kernel }: Convolution): number => outputs * inputs * kernel * kernel;
