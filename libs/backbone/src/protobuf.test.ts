/**
 * Claims: (1) fields have the bytes of the specification; (2) lengths nest and parts are written once, in place.
 * Oracle: the worked examples of the protocol buffers encoding guide, and lengths worked out by hand.
 */
import { describe, expect, it } from 'vitest';
import { bytesField, encode, integerField, literal, messageField, textField } from './protobuf.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('protobuf', () => {
  it('has the bytes of the guide', () => {
    expect(hex(encode(integerField(1, 150)))).toBe('089601');
    expect(hex(encode(textField(2, 'testing')))).toBe('120774657374696e67');
    expect(hex(encode(messageField(3, integerField(1, 150))))).toBe('1a03089601');
  });

  it('writes small and large integers', () => {
    expect(hex(encode(integerField(1, 0)))).toBe('0800');
    expect(hex(encode(integerField(20, 127)))).toBe('a0017f');
    expect(hex(encode(integerField(1, 2 ** 32)))).toBe('088080808010');
    expect(hex(encode(integerField(1, Number.MAX_SAFE_INTEGER)))).toBe('08ffffffffffffff0f');
  });

  it('writes each part once, at its place', () => {
    const calls: number[] = [];
    const large = {
      sizeBytes: 300,
      write: (target: Uint8Array, offset: number) => {
        calls.push(offset);
        target.fill(7, offset, offset + 300);
      },
    };
    const bytes = encode(literal(Uint8Array.of(1, 2)), messageField(1, bytesField(9, large)));
    expect(calls).toEqual([8]);
    expect(hex(bytes.subarray(0, 8))).toBe('01020aaf024aac02');
    expect(bytes).toHaveLength(308);
    expect(bytes.subarray(8).every((byte) => byte === 7)).toBe(true);
  });
});
