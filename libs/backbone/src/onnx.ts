/**
 * The few ONNX messages that a convolutional network needs, with the field numbers of onnx.proto3.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
import { bytesField, encode, integerField, messageField, type Part, textField } from './protobuf.js';

/** IR 7 and operator set 13 are of 2020: every runtime of interest reads them. */
const IR_VERSION = 7;
const OPERATOR_SET = 13;
const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface OnnxWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Called once while the model is encoded, with zeros to be filled; row-major. */
  readonly fill: (values: Float32Array) => void;
}

export interface OnnxTensor {
  readonly name: string;
  /** A text is a dimension that is free, such as the number of images. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly weights: readonly OnnxWeight[];
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
}

const attribute = (name: string, value: number | readonly number[]): Part =>
  typeof value === 'number'
    ? messageField(5, textField(1, name), integerField(3, value), integerField(20, ATTRIBUTE_INT))
    : messageField(
        5,
        textField(1, name),
        ...value.map((item) => integerField(8, item)),
        integerField(20, ATTRIBUTE_INTS),
      );

const node = ({ operator, inputs, outputs, attributes = {} }: OnnxNode): Part =>
  messageField(
    1,
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(3, outputs[0] ?? operator),
    textField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  );

const weight = ({ name, shape, fill }: OnnxWeight): Part => {
  const length = shape.reduce((size, axis) => size * axis, 1);
  const raw: Part = {
    sizeBytes: length * 4,
    write: (target, offset) => {
      const values = new Float32Array(length);
      fill(values);
      // The offset is rarely a multiple of four, so the floats cannot be computed in place: one tensor is copied at a time.
      target.set(new Uint8Array(values.buffer), offset);
    },
  };
  return messageField(
    5,
    ...shape.map((axis) => integerField(1, axis)),
    integerField(2, FLOAT),
    textField(8, name),
    bytesField(9, raw),
  );
};

const tensor = (field: number, { name, shape }: OnnxTensor): Part => {
  const axes = shape.map((axis) =>
    messageField(1, typeof axis === 'number' ? integerField(1, axis) : textField(2, axis)),
  );
  return messageField(
    field,
    textField(1, name),
    messageField(2, messageField(1, integerField(1, FLOAT), messageField(2, ...axes))),
  );
};

/**
 * @param metadata - free text by key, for people and programs that open the file; a runtime ignores it.
 * @returns a ModelProto of operator set 13; equal graphs give equal bytes.
 */
export const encodeOnnx = (
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> =>
  encode(
    integerField(1, IR_VERSION),
    textField(2, 'consilium'),
    messageField(
      7,
      ...graph.nodes.map(node),
      textField(2, graph.name),
      ...graph.weights.map(weight),
      ...graph.inputs.map((input) => tensor(11, input)),
      ...graph.outputs.map((output) => tensor(12, output)),
    ),
    messageField(8, textField(1, ''), integerField(2, OPERATOR_SET)),
    ...Object.entries(metadata).map(([key, value]) => messageField(14, textField(1, key), textField(2, value))),
  );
