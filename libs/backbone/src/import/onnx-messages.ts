/**
 * The ONNX messages that hold a convolutional network, read with the field numbers of onnx.proto3. Tensors stay bytes
 * until one is asked for: a model may hold others, of other types, that we do not need.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
import type { Tensor } from '@consilium/tensors';
import { BackboneError } from '../errors.js';
import { bytesOf, type Field, fieldsOf, floatsOf, integerOf, packed, textOf } from './protobuf-reader.js';

const FLOAT = 1;
const EXTERNAL = 1;
const RANK_MAX = 8;

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Attribute {
  readonly integers: readonly number[];
  readonly float?: number;
  readonly text?: string;
  readonly tensor?: () => Tensor;
}

export interface Model {
  readonly nodes: readonly Node[];
  readonly tensors: ReadonlyMap<string, () => Tensor>;
  /** In ONNX before IR 4 the weights are among them. */
  readonly inputs: readonly string[];
}

/** @returns what decodes it when asked. @throws then {@link BackboneError} `WEIGHTS_INVALID` or `TENSOR_SHAPE`. */
function parseTensor(message: Uint8Array): { name: string; decode: () => Tensor } {
  const shape: number[] = [];
  let type = 0;
  let name = '';
  let location = 0;
  let values: Uint8Array = new Uint8Array(0);
  for (const field of fieldsOf(message)) {
    const { number, value } = field;
    if (number === 1) shape.push(...(typeof value === 'bigint' ? [value] : packed(value)).map(integerOf));
    else if (number === 2) type = integerOf(value);
    // float_data one field at a time is legal and written by nobody: its last number then does not fill the shape.
    else if (number === 4 || number === 9) values = bytesOf(field);
    else if (number === 8) name = textOf(field);
    else if (number === 14) location = integerOf(value);
  }
  const refuse = (code: 'WEIGHTS_INVALID' | 'TENSOR_SHAPE', why: string): BackboneError =>
    new BackboneError(code, `tensor ${JSON.stringify(name)} ${why}`, { tensor: name });
  const decode = (): Tensor => {
    if (location === EXTERNAL) {
      throw refuse('WEIGHTS_INVALID', 'lies in a second file: export the model into one (external_data=False)');
    }
    if (type !== FLOAT) throw refuse('WEIGHTS_INVALID', 'is not float32');
    const length = shape.reduce((size, axis) => size * axis, 1);
    if (shape.length > RANK_MAX || shape.some((axis) => axis < 0) || length * 4 !== values.length) {
      throw refuse('TENSOR_SHAPE', 'has a shape that does not fill its bytes');
    }
    return { shape, values: floatsOf(values) };
  };
  return { name, decode };
}

function parseAttribute(message: Uint8Array): [string, Attribute] {
  let name = '';
  const integers: number[] = [];
  let others: Omit<Attribute, 'integers'> = {};
  for (const field of fieldsOf(message)) {
    const { number, value } = field;
    if (number === 1) name = textOf(field);
    else if (number === 2) others = { ...others, float: floatsOf(bytesOf(field))[0] ?? NaN };
    else if (number === 4) others = { ...others, text: textOf(field) };
    else if (number === 5) others = { ...others, tensor: parseTensor(bytesOf(field)).decode };
    else if (number === 3 || number === 8) {
      integers.push(...(typeof value === 'bigint' ? [value] : packed(value)).map(integerOf));
    }
  }
  return [name, { ...others, integers }];
}

function parseNode(message: Uint8Array): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  let operator = '';
  for (const field of fieldsOf(message)) {
    if (field.number === 1) inputs.push(textOf(field));
    else if (field.number === 2) outputs.push(textOf(field));
    else if (field.number === 4) operator = textOf(field);
    else if (field.number === 5) attributes.set(...parseAttribute(bytesOf(field)));
  }
  return { operator, inputs, outputs, attributes };
}

function parseGraph(message: Uint8Array): Model {
  const nodes: Node[] = [];
  const tensors = new Map<string, () => Tensor>();
  const inputs: string[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) {
      const node = parseNode(bytesOf(field));
      nodes.push(node);
      const constant = node.operator === 'Constant' ? node.attributes.get('value')?.tensor : undefined;
      if (constant !== undefined) tensors.set(node.outputs[0] ?? '', constant);
    } else if (field.number === 5) {
      const { name, decode } = parseTensor(bytesOf(field));
      tensors.set(name, decode);
    } else if (field.number === 11) inputs.push(firstText(bytesOf(field)));
  }
  return { nodes, tensors, inputs };
}

/** The name of a ValueInfoProto. */
const firstText = (message: Uint8Array): string => {
  for (const field of fieldsOf(message)) if (field.number === 1) return textOf(field);
  return '';
};

/**
 * @param bytes - a ModelProto; attacker-controlled. The result shares its memory.
 * @throws {@link BackboneError} `WEIGHTS_INVALID`.
 */
export function parseOnnx(bytes: Uint8Array): Model {
  let graph: Field | undefined;
  for (const field of fieldsOf(bytes)) if (field.number === 7) graph = field;
  if (graph === undefined) throw new BackboneError('WEIGHTS_INVALID', 'ONNX: the file holds no graph');
  return parseGraph(bytesOf(graph));
}
