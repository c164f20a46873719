/**
 * Protocol buffers, written only, into one buffer: a length comes before its content, so every part knows its size
 * before anything is written, and 94 MB of weights are computed in place instead of copied from message to message.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

export interface Part {
  readonly sizeBytes: number;
  /** Writes exactly `sizeBytes` bytes from `offset`. */
  write(target: Uint8Array, offset: number): void;
}

const WIRE_VARINT = 0;
const WIRE_LENGTH_DELIMITED = 2;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  // Division, not shifts: lengths stay exact above 2^31.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

export const literal = (bytes: Uint8Array): Part => ({
  sizeBytes: bytes.length,
  write: (target, offset) => {
    target.set(bytes, offset);
  },
});

export const sequence = (parts: readonly Part[]): Part => ({
  sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
  write: (target, offset) => {
    let at = offset;
    for (const part of parts) {
      part.write(target, at);
      at += part.sizeBytes;
    }
  },
});

/** @param value - an integer in 0 .. 2^53 - 1; negative numbers do not occur in what we write. */
export const integerField = (field: number, value: number): Part =>
  literal(Uint8Array.from([...varint(field * 8 + WIRE_VARINT), ...varint(value)]));

export const bytesField = (field: number, content: Part): Part =>
  sequence([
    literal(Uint8Array.from([...varint(field * 8 + WIRE_LENGTH_DELIMITED), ...varint(content.sizeBytes)])),
    content,
  ]);

export const messageField = (field: number, ...parts: readonly Part[]): Part => bytesField(field, sequence(parts));

export const textField = (field: number, text: string): Part =>
  bytesField(field, literal(new TextEncoder().encode(text)));

export function encode(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const whole = sequence(parts);
  const out = new Uint8Array(whole.sizeBytes);
  whole.write(out, 0);
  return out;
}
