/**
 * Claims: (1) files of the reference implementation are read exactly, and ours equal them byte for byte; (2) whatever is
 * written is read back, bit by bit; (3) every malformed file is refused with its code, and no corruption of a header
 * crashes with anything but a TensorsError. Oracle: Python `safetensors` 0.8.0 with numpy 2.4.6, run in November 2025;
 * refused files are made here by hand from the format's description.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_BYTES_MAX, TensorsError } from './safetensors-header.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/** save({'b.weight': [[1.5, -2.25, 3], [0.1, inf, -0]], 'a': [7]}, metadata={'note': 'grün'}), all float32. */
const reference = fromBase64(
  'mAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoiZ3LDvG4ifSwiYSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6' +
    'WzAsNF19LCJiLndlaWdodCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbNCwyOF19fSAgIAAA4EAAAMA/AAAQwAAA' +
    'QEDNzMw9AACAfwAAAIA=',
);
/** save({'w': [0.5] float32, 'steps': 12 int64, 'empty': zeros((0, 3)) float32}). */
const mixed = fromBase64(
  'sAAAAAAAAAB7InN0ZXBzIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlswLDhdfSwiZW1wdHkiOnsiZHR5cGUiOiJGMzIi' +
    'LCJzaGFwZSI6WzAsM10sImRhdGFfb2Zmc2V0cyI6WzgsOF19LCJ3Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbOCwx' +
    'Ml19fSAgICAgIAwAAAAAAAAAAAAAPw==',
);
const contents = new Map([
  ['b.weight', { shape: [2, 3], values: Float32Array.of(1.5, -2.25, 3, 0.1, Infinity, -0) }],
  ['a', { shape: [1], values: Float32Array.of(7) }],
]);

function file(header: unknown, dataBytes: number, claimedLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

const entry = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

function codeOf(bytes: Uint8Array): string {
  try {
    readSafetensors(bytes);
  } catch (error) {
    if (error instanceof TensorsError) return error.code;
    throw error;
  }
  return 'ACCEPTED';
}

describe('safetensors', () => {
  it('reads a file of the reference implementation', () => {
    const { tensors, others, metadata } = readSafetensors(reference);
    expect([...metadata]).toEqual([['note', 'grün']]);
    expect(others.size).toBe(0);
    expect(tensors).toEqual(contents);
  });

  it('writes what the reference implementation writes', () => {
    expect(writeSafetensors(contents, new Map([['note', 'grün']]))).toEqual(reference);
  });

  it('lists tensors of another dtype without interpreting them', () => {
    const { tensors, others } = readSafetensors(mixed);
    expect(tensors.get('w')).toEqual({ shape: [1], values: Float32Array.of(0.5) });
    expect(tensors.get('empty')).toEqual({ shape: [0, 3], values: new Float32Array(0) });
    expect(others.get('steps')).toEqual({ dtype: 'I64', shape: [], bytes: Uint8Array.of(12, 0, 0, 0, 0, 0, 0, 0) });
  });

  it('reads a file that lies unaligned in its buffer', () => {
    const shifted = new Uint8Array(reference.length + 1);
    shifted.set(reference, 1);
    expect(readSafetensors(shifted.subarray(1)).tensors).toEqual(contents);
  });

  it('reads back what it wrote, bit by bit, whatever the order of the maps', () => {
    const tensor = fc
      .float32Array({ maxLength: 40 })
      .map((values) => ({ shape: [values.length], values: Float32Array.from(values) }));
    const named = fc.array(fc.tuple(fc.string({ maxLength: 12, unit: 'binary' }), tensor), { maxLength: 6 });
    fc.assert(
      fc.property(named, (entries) => {
        const tensors = new Map(entries.filter(([name]) => name.isWellFormed() && name !== '__metadata__'));
        const bytes = writeSafetensors(tensors);
        expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(bytes);
        const read = readSafetensors(bytes).tensors;
        expect(read.size).toBe(tensors.size);
        for (const [name, { shape, values }] of tensors) {
          expect(read.get(name)?.shape).toEqual(shape);
          const bits = (floats: Float32Array) =>
            Uint8Array.from(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
          expect(bits(read.get(name)?.values ?? new Float32Array(1))).toEqual(bits(values));
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'TRUNCATED'],
    ['a header longer than the file', file({}, 0, 3n), 'TRUNCATED'],
    ['a header of 2^63 bytes', file({}, 0, 2n ** 63n), 'HEADER_TOO_LARGE'],
    ['a header just above the bound', file({}, 0, BigInt(HEADER_BYTES_MAX) + 1n), 'HEADER_TOO_LARGE'],
    ['text that is not JSON', file('{"a":', 0), 'HEADER_INVALID'],
    ['an array', file([], 0), 'HEADER_INVALID'],
    ['metadata that is not text', file({ __metadata__: { a: 1 } }, 0), 'HEADER_INVALID'],
    ['a negative length', file({ a: entry([-1], 0, 4) }, 4), 'HEADER_INVALID'],
    ['a fractional length', file({ a: entry([0.5], 0, 2) }, 2), 'HEADER_INVALID'],
    ['nine dimensions', file({ a: entry([1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 4) }, 4), 'HEADER_INVALID'],
    ['an unknown field', file({ a: { ...entry([1], 0, 4), x: 1 } }, 4), 'HEADER_INVALID'],
    ['a missing dtype', file({ a: { shape: [1], data_offsets: [0, 4] } }, 4), 'HEADER_INVALID'],
    ['an unknown dtype', file({ a: entry([4], 0, 4, 'F8_E4M3') }, 4), 'DTYPE_UNSUPPORTED'],
    ['an inherited dtype', file({ a: entry([1], 0, 4, 'constructor') }, 4), 'DTYPE_UNSUPPORTED'],
    ['a shape that wraps around', file({ a: entry([2 ** 40, 2 ** 40], 0, 4) }, 4), 'LAYOUT_INVALID'],
    ['offsets in reverse', file({ a: entry([1], 4, 0) }, 4), 'LAYOUT_INVALID'],
    ['a gap', file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12), 'LAYOUT_INVALID'],
    ['an overlap', file({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12), 'LAYOUT_INVALID'],
    ['the same bytes twice', file({ a: entry([1], 0, 4), b: entry([1], 0, 4) }, 4), 'LAYOUT_INVALID'],
    ['trailing bytes', file({ a: entry([1], 0, 4) }, 5), 'LAYOUT_INVALID'],
    ['missing data', file({ a: entry([2], 0, 8) }, 7), 'TRUNCATED'],
  ])('refuses %s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  it('fails with a TensorsError or not at all, whichever byte is damaged', () => {
    for (let at = 0; at < reference.length; at++) {
      for (const value of [0x00, 0x22, 0x39, 0x7d, 0xff]) {
        const damaged = reference.slice();
        damaged[at] = value;
        expect(() => codeOf(damaged)).not.toThrow();
      }
      expect(codeOf(reference.subarray(0, at))).not.toBe('ACCEPTED');
    }
  });

  it('refuses to write a tensor whose shape does not match', () => {
    const tensors = new Map([['a', { shape: [2, 2], values: new Float32Array(3) }]]);
    expect(() => writeSafetensors(tensors)).toThrow(RangeError);
    expect(() => writeSafetensors(new Map([['__metadata__', { shape: [0], values: new Float32Array(0) }]]))).toThrow(
      RangeError,
    );
  });
});
