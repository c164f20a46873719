/**
 * Protocol buffers, read only. The bytes are hostile: a length beyond its message is refused before anything is taken,
 * nothing is copied, and the number of fields is bounded.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { BackboneError } from '../errors.js';

/** A model of a ResNet50 has a few hundred nodes and tensors in one message. */
const FIELDS_MAX = 100_000;
const VARINT_BYTES_MAX = 10;

export interface Field {
  readonly number: number;
  /** A varint as a signed 64-bit integer, or the bytes of a length-delimited or fixed field. */
  readonly value: bigint | Uint8Array;
}

const damaged = (): BackboneError => new BackboneError('WEIGHTS_INVALID', 'ONNX: the file is damaged or cut off');

class Cursor {
  at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw damaged();
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw damaged();
  }

  take(length: bigint): Uint8Array {
    if (length < 0n || length > BigInt(this.bytes.length - this.at)) throw damaged();
    const start = this.at;
    this.at += Number(length);
    return this.bytes.subarray(start, this.at);
  }
}

/** @throws {@link BackboneError} `WEIGHTS_INVALID`. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const cursor = new Cursor(message);
  for (let count = 0; !cursor.done; count++) {
    if (count === FIELDS_MAX) throw new BackboneError('WEIGHTS_INVALID', 'ONNX: a message has too many fields');
    const tag = cursor.varint();
    const number = Number(tag >> 3n);
    switch (tag & 7n) {
      case 0n:
        yield { number, value: cursor.varint() };
        break;
      case 1n:
        yield { number, value: cursor.take(8n) };
        break;
      case 2n:
        yield { number, value: cursor.take(cursor.varint()) };
        break;
      case 5n:
        yield { number, value: cursor.take(4n) };
        break;
      default:
        throw damaged();
    }
  }
}

/** @returns the varints of a packed field. */
export function packed(bytes: Uint8Array): bigint[] {
  const cursor = new Cursor(bytes);
  const values: bigint[] = [];
  while (!cursor.done) {
    if (values.length === FIELDS_MAX) throw damaged();
    values.push(cursor.varint());
  }
  return values;
}

export function bytesOf({ value }: Field): Uint8Array {
  if (typeof value === 'bigint') throw damaged();
  return value;
}

/** @throws {@link BackboneError} `WEIGHTS_INVALID` for an integer that no double holds. */
export function integerOf(value: bigint | Uint8Array): number {
  if (typeof value !== 'bigint' || !Number.isSafeInteger(Number(value))) throw damaged();
  return Number(value);
}

/** Little-endian float32 values of a fixed or packed field. Copied, since the bytes lie at any offset. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) throw damaged();
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Names in a file are its author's words: quoted and short. */
export const textOf = (field: Field): string => new TextDecoder().decode(bytesOf(field).subarray(0, 512));
