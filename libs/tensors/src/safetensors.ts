/** Named float32 tensors as one safetensors file. Little-endian machines only, which is every one that Node supports today but s390x. */
import { type Dtype, METADATA_KEY, readHeader } from './safetensors-header.js';

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major; as many as the product of `shape`. */
  readonly values: Float32Array;
}

/** A tensor of another dtype than F32: listed, so that the caller decides, but not interpreted. */
export interface RawTensor {
  readonly dtype: Exclude<Dtype, 'F32'>;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly others: ReadonlyMap<string, RawTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * @param bytes - a whole file; attacker-controlled. The result shares its memory where alignment allows.
 * @throws {@link TensorsError} `TRUNCATED`, `HEADER_TOO_LARGE`, `HEADER_INVALID`, `DTYPE_UNSUPPORTED` (8-bit floats and
 * newer types) or `LAYOUT_INVALID` (overlap, gap, trailing bytes, shape against size). NaN and infinity are let through.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { entries, metadata } = readHeader(bytes);
  const tensors = new Map<string, Tensor>();
  const others = new Map<string, RawTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const raw = bytes.subarray(begin, end);
    if (dtype !== 'F32') {
      others.set(name, { dtype, shape, bytes: raw });
      continue;
    }
    const aligned = raw.byteOffset % 4 === 0 ? raw : raw.slice();
    tensors.set(name, { shape, values: new Float32Array(aligned.buffer, aligned.byteOffset, raw.length / 4) });
  }
  return { tensors, others, metadata };
}

/**
 * The bytes that the reference implementation writes for the same float32 tensors: sorted by name, data aligned to 8.
 *
 * @param metadata - free text by key; sorted by key, so that equal contents have equal bytes.
 * @throws RangeError if a shape does not match its values, or a name is taken by the format.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const byName = <T>(entries: Iterable<[string, T]>): [string, T][] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const sorted = byName(tensors);
  const header: [string, unknown][] = metadata.size === 0 ? [] : [[METADATA_KEY, Object.fromEntries(byName(metadata))]];
  let dataBytes = 0;
  for (const [name, { shape, values }] of sorted) {
    if (name === METADATA_KEY) throw new RangeError(`a tensor cannot be named ${METADATA_KEY}`);
    if (shape.reduce((size, length) => size * length, 1) !== values.length) {
      throw new RangeError(`tensor ${name}: shape and values differ in length`);
    }
    const end = dataBytes + values.byteLength;
    header.push([name, { dtype: 'F32', shape, data_offsets: [dataBytes, end] }]);
    dataBytes = end;
  }

  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const paddedLength = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + paddedLength + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(paddedLength), true);
  out.fill(0x20, 8, 8 + paddedLength).set(json, 8);
  let offset = 8 + paddedLength;
  for (const [, { values }] of sorted) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return out;
}
