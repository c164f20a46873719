/**
 * The head of a safetensors file: u64 length, JSON, and where each tensor lies. The file may be hostile: every bound is
 * checked before memory is taken, and the tensors must tile the data exactly, so no byte is read twice or hidden.
 *
 * @see https://github.com/huggingface/safetensors#format
 */

export class TensorsError extends Error {
  override readonly name = 'TensorsError';
  constructor(
    readonly code: 'TRUNCATED' | 'HEADER_TOO_LARGE' | 'HEADER_INVALID' | 'DTYPE_UNSUPPORTED' | 'LAYOUT_INVALID',
    message: string,
  ) {
    super(message);
  }
}

/** A ResNet50 has a header of 40 KB; the reference implementation allows 100 MB. */
export const HEADER_BYTES_MAX = 4 * 1024 * 1024;
export const METADATA_KEY = '__metadata__';
const RANK_MAX = 8;
const NAME_LENGTH_MAX = 256;

const bytesPerElement = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof bytesPerElement;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of their bytes. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

const invalid = (why: string): never => {
  throw new TensorsError('HEADER_INVALID', `safetensors header: ${why}`);
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (isRecord(value)) return value;
  } catch {
    // Falls through: the parser's own message quotes the file.
  }
  return invalid('it is not a JSON object in UTF-8');
}

function parseMetadata(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) return invalid('the metadata is not an object');
  return new Map(
    Object.entries(value).map(([key, text]) => [
      key,
      typeof text === 'string' ? text : invalid('metadata is not text'),
    ]),
  );
}

function parseEntry(name: string, value: unknown, dataStart: number): TensorEntry {
  if (name.length > NAME_LENGTH_MAX) return invalid('a tensor name is too long');
  if (!isRecord(value)) return invalid(`tensor ${JSON.stringify(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  if (Object.keys(rest).length > 0) return invalid(`tensor ${JSON.stringify(name)} has unknown fields`);
  if (typeof dtype !== 'string') return invalid(`tensor ${JSON.stringify(name)} has no dtype`);
  if (!Object.hasOwn(bytesPerElement, dtype)) {
    throw new TensorsError('DTYPE_UNSUPPORTED', `tensor ${JSON.stringify(name)} has a dtype that is not supported`);
  }
  if (!Array.isArray(shape) || shape.length > RANK_MAX || !shape.every(isCount)) {
    return invalid(`tensor ${JSON.stringify(name)} has a bad shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return invalid(`tensor ${JSON.stringify(name)} has bad offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const sizeBytes = shape.reduce((size, length) => size * length, bytesPerElement[dtype as Dtype]);
  // A product beyond 2^53 is inexact, but then also larger than any file.
  if (end - begin !== sizeBytes) {
    throw new TensorsError('LAYOUT_INVALID', `tensor ${JSON.stringify(name)}: its shape does not fill its bytes`);
  }
  return { name, dtype: dtype as Dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** @throws {@link TensorsError} any of its codes; messages name tensors, never their values. */
export function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 8) throw new TensorsError('TRUNCATED', 'shorter than the length field of safetensors');
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (headerLength > BigInt(HEADER_BYTES_MAX)) {
    throw new TensorsError('HEADER_TOO_LARGE', `a safetensors header may have at most ${HEADER_BYTES_MAX} bytes`);
  }
  const dataStart = 8 + Number(headerLength);
  if (dataStart > bytes.length) throw new TensorsError('TRUNCATED', 'the file ends inside the safetensors header');

  const { [METADATA_KEY]: metadata, ...tensors } = parseJson(bytes.subarray(8, dataStart));
  const entries = Object.entries(tensors)
    .map(([name, value]) => parseEntry(name, value, dataStart))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = dataStart;
  for (const { name, begin, end } of entries) {
    if (begin !== expected) {
      throw new TensorsError('LAYOUT_INVALID', `tensor ${JSON.stringify(name)} leaves a gap or overlaps another`);
    }
    expected = end;
  }
  if (expected > bytes.length) throw new TensorsError('TRUNCATED', 'the file ends before its last tensor does');
  if (expected < bytes.length) throw new TensorsError('LAYOUT_INVALID', 'the file has bytes after its last tensor');
  return { entries, metadata: metadata === undefined ? new Map() : parseMetadata(metadata) };
}
