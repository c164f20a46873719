/** Pretrained weights that `backbone fetch` knows by name. None is shipped: each site takes them from their publisher. */
import { HospitalError } from '../errors.js';

export interface Digest {
  readonly algorithm: 'md5' | 'sha256';
  /** Lower case. */
  readonly hex: string;
}

export interface CatalogueEntry {
  readonly name: string;
  /** What a mirror serves, and a carried-in copy is called. */
  readonly file: string;
  readonly url: string;
  /** Exact, where the publisher says it. */
  readonly sizeBytes?: number;
  /** As published; without one, the first download decides and is remembered. MD5 still resists a second preimage. */
  readonly digest?: Digest;
  readonly licence: string;
  readonly note: string;
}

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: 'keras-resnet50',
    file: 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
    url: 'https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
    sizeBytes: 94_765_736,
    digest: { algorithm: 'md5', hex: '4d473c1dd8becc155b73f8504c6f6626' },
    licence: 'MIT',
    note: 'v1, ImageNet; what the reference study used',
  },
  {
    name: 'timm-resnet50-a1',
    file: 'timm-resnet50.a1_in1k.safetensors',
    url: 'https://huggingface.co/timm/resnet50.a1_in1k/resolve/main/model.safetensors',
    licence: 'Apache-2.0',
    note: 'v1.5, ImageNet, recipe A1 of "ResNet strikes back"; no hash published',
  },
  {
    name: 'torchvision-resnet50',
    file: 'timm-resnet50.tv_in1k.safetensors',
    url: 'https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors',
    licence: 'BSD-3-Clause',
    note: "v1.5, ImageNet, torchvision's first weights; no hash published",
  },
  {
    name: 'onnx-resnet50-v1',
    file: 'resnet50-v1-12.onnx',
    url: 'https://media.githubusercontent.com/media/onnx/models/652f4e4af7975c8e7a505c4b6e0f8ac72d8260ea/vision/classification/resnet/model/resnet50-v1-12.onnx',
    sizeBytes: 102_576_419,
    digest: { algorithm: 'sha256', hex: 'ab65bdc02c5b3123eb3cdf6dac01742438517d8635d4f233913b2be1c70db3b6' },
    licence: 'Apache-2.0',
    note: 'v1, ImageNet, ONNX model zoo',
  },
];

/** @throws {@link HospitalError} `BAD_OPTION` with the names there are. */
export function catalogueEntry(name: string): CatalogueEntry {
  const entry = CATALOGUE.find((each) => each.name === name);
  if (entry !== undefined) return entry;
  throw new HospitalError(
    'BAD_OPTION',
    `no weights are known as ${JSON.stringify(name)}: ${CATALOGUE.map((each) => each.name).join(', ')}`,
  );
}
