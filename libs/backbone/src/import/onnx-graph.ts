/**
 * The convolutions of a ResNet50 in an ONNX graph. Names differ between exporters, so nothing is found by name: the graph
 * is walked from its input along the data, and every operator on the way must be the one that a ResNet50 has there.
 */
import type { Tensor } from '@consilium/tensors';
import { blocks, type Block, resnet50 } from '../architecture.js';
import { BackboneError } from '../errors.js';
import type { Model, Node } from './onnx-messages.js';

export interface NamedTensor extends Tensor {
  readonly name: string;
}

export interface FoundConvolution {
  readonly kernel: NamedTensor;
  readonly bias?: NamedTensor;
  readonly norm?: {
    readonly scale: NamedTensor;
    readonly shift: NamedTensor;
    readonly mean: NamedTensor;
    readonly variance: NamedTensor;
    readonly epsilon: number;
  };
  readonly stride: number;
}

const invalid = (why: string): BackboneError => new BackboneError('WEIGHTS_INVALID', `ONNX: ${why}`);

/** Names in a file are its author's words: quoted. */
const quoted = (name: string): string => JSON.stringify(name.slice(0, 120));

/** Operators that hand their input on, once a network is frozen. */
const TRANSPARENT = ['Identity', 'Dropout'];

class Graph {
  readonly #aliases = new Map<string, string>();
  readonly #consumers = new Map<string, Node[]>();

  constructor(readonly model: Model) {
    for (const { operator, inputs, outputs } of model.nodes) {
      if (TRANSPARENT.includes(operator)) this.#aliases.set(outputs[0] ?? '', inputs[0] ?? '');
    }
    for (const node of model.nodes) {
      if (TRANSPARENT.includes(node.operator) || node.operator === 'Shape') continue;
      for (const input of new Set(node.inputs)) {
        const source = this.#source(input);
        const known = this.#consumers.get(source);
        if (known === undefined) this.#consumers.set(source, [node]);
        else known.push(node);
      }
    }
  }

  #source(name: string): string {
    let source = name;
    // A hostile graph may hand a name on to itself.
    for (let i = 0; i < 16; i++) {
      const before = this.#aliases.get(source);
      if (before === undefined) return source;
      source = before;
    }
    throw invalid('its nodes form a loop');
  }

  consumers(name: string): readonly Node[] {
    return this.#consumers.get(this.#source(name)) ?? [];
  }

  /** @throws unless exactly one node takes this, and it is of this operator. */
  only(name: string, operator: string): Node {
    const [node, ...more] = this.consumers(name);
    if (node?.operator === operator && more.length === 0) return node;
    const found = node === undefined ? 'nothing' : [node, ...more].map((each) => quoted(each.operator)).join(' and ');
    throw invalid(`after ${quoted(name)} a ResNet50 has one ${operator}, not ${found}`);
  }

  tensor(name: string | undefined): NamedTensor | undefined {
    if (name === undefined || name === '') return undefined;
    const tensor = this.model.tensors.get(this.#source(name));
    if (tensor === undefined) throw invalid(`the weight ${quoted(name)} is computed, not stored`);
    return { name: quoted(name), ...tensor() };
  }

  weight(node: Node, input: number): NamedTensor {
    const tensor = this.tensor(node.inputs[input]);
    if (tensor === undefined) throw invalid(`a ${node.operator} lacks a weight`);
    return tensor;
  }
}

const outputOf = ({ outputs }: Node): string => outputs[0] ?? '';

/** All the same, or the default where the attribute is absent; else NaN, which equals nothing. */
function uniform({ attributes }: Node, name: string, byDefault: number): number {
  const integers = attributes.get(name)?.integers ?? [];
  const [first = byDefault] = integers;
  return integers.every((value) => value === first) ? first : NaN;
}

/** float32 holds 1e-5 as 9.99999974e-6: the shortest decimal that rounds to the same is what the author wrote. */
function decimalOf(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const value = Number(single.toPrecision(digits));
    if (Math.fround(value) === single) return value;
  }
  return single;
}

function checkedSpatial(node: Node, kernel: number): void {
  const pad = (kernel - 1) / 2;
  const padding = node.attributes.get('auto_pad')?.text ?? 'NOTSET';
  // SAME puts the padding of an even stride on one side only; with stride 1, or with one pixel, it is what we do.
  const same = padding.startsWith('SAME') && (uniform(node, 'strides', 1) === 1 || kernel === 1);
  const asOurs = padding === 'NOTSET' ? uniform(node, 'pads', 0) === pad : same || (padding === 'VALID' && pad === 0);
  if (!asOurs || uniform(node, 'dilations', 1) !== 1) {
    throw invalid(`${quoted(outputOf(node))} has another padding or dilation than that of a ResNet50`);
  }
}

function convolutionAt(graph: Graph, node: Node): { found: FoundConvolution; output: string } {
  const kernel = graph.weight(node, 1);
  const bias = graph.tensor(node.inputs[2]);
  checkedSpatial(node, kernel.shape[2] ?? NaN);
  if (uniform(node, 'group', 1) !== 1) throw invalid(`${quoted(outputOf(node))} is a convolution in groups`);
  const found = { kernel, ...(bias && { bias }), stride: uniform(node, 'strides', 1) };
  const [norm, ...more] = graph.consumers(outputOf(node));
  if (norm?.operator !== 'BatchNormalization' || more.length > 0) return { found, output: outputOf(node) };
  if (uniform(norm, 'training_mode', 0) !== 0 || uniform(norm, 'spatial', 1) !== 1) {
    throw invalid(`${quoted(outputOf(norm))} is a batch norm in training, or one for each pixel`);
  }
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((input) => graph.weight(norm, input)) as [
    NamedTensor,
    NamedTensor,
    NamedTensor,
    NamedTensor,
  ];
  const epsilon = decimalOf(norm.attributes.get('epsilon')?.float ?? Math.fround(1e-5));
  return { found: { ...found, norm: { scale, shift, mean, variance, epsilon } }, output: outputOf(norm) };
}

/** The reduce convolution of a block goes on with a Relu, its shortcut with the sum. */
function blockAt(
  graph: Graph,
  input: string,
  { name, shortcut }: Block,
): { found: FoundConvolution[]; output: string } {
  const starts = graph.consumers(input).filter(({ operator }) => operator === 'Conv');
  const others = graph.consumers(input).filter(({ operator }) => operator !== 'Conv');
  const expected = shortcut === undefined ? 1 : 2;
  if (
    starts.length !== expected ||
    others.some(({ operator }) => operator !== 'Add') ||
    others.length !== 2 - expected
  ) {
    throw invalid(`where ${name} of a ResNet50 begins, the graph has another shape: is it a deeper network?`);
  }
  const begun = starts.map((node) => convolutionAt(graph, node));
  const isReduce = ({ output }: { output: string }): boolean => graph.consumers(output)[0]?.operator === 'Relu';
  const [reduce, ...surplus] = begun.filter(isReduce);
  const shortcutFound = begun.find((each) => !isReduce(each));
  if (reduce === undefined || surplus.length > 0) throw invalid(`${name} has no bottleneck`);
  const follow = (output: string): { found: FoundConvolution; output: string } =>
    convolutionAt(graph, graph.only(outputOf(graph.only(output, 'Relu')), 'Conv'));
  const spatial = follow(reduce.output);
  const expand = follow(spatial.output);
  const sum = graph.only(expand.output, 'Add');
  const identity = shortcutFound === undefined ? others[0] : graph.only(shortcutFound.output, 'Add');
  if (identity !== sum) throw invalid(`the two ways of ${name} do not meet`);
  const found = [reduce, spatial, expand, ...(shortcutFound === undefined ? [] : [shortcutFound])];
  return { found: found.map((each) => each.found), output: outputOf(graph.only(outputOf(sum), 'Relu')) };
}

/**
 * @returns 53, in the order of `convolutions`, their shapes unchecked.
 * @throws {@link BackboneError} `WEIGHTS_INVALID` where the graph leaves the way of a ResNet50, or a weight is none.
 */
export function convolutionsOf(model: Model): FoundConvolution[] {
  const graph = new Graph(model);
  const [input, ...more] = model.inputs.filter((name) => !model.tensors.has(name));
  if (input === undefined || more.length > 0) throw invalid('the graph does not have one input');
  const stem = convolutionAt(graph, graph.only(input, 'Conv'));
  const pool = graph.only(outputOf(graph.only(stem.output, 'Relu')), 'MaxPool');
  checkedSpatial(pool, uniform(pool, 'kernel_shape', NaN));
  if (uniform(pool, 'kernel_shape', NaN) !== 3 || uniform(pool, 'strides', 1) !== 2) {
    throw invalid('the pooling after the first convolution is not that of a ResNet50');
  }
  const found = [stem.found];
  let x = outputOf(pool);
  // The two variants differ in strides alone, not in the way.
  for (const block of blocks(resnet50('v1.5'))) {
    const next = blockAt(graph, x, block);
    found.push(...next.found);
    x = next.output;
  }
  if (graph.consumers(x).some(({ operator }) => operator === 'Conv' || operator === 'Add')) {
    throw invalid('the graph goes on after sixteen blocks: it is a deeper network');
  }
  return found;
}
