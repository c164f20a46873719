/**
 * Claims: (1) the manifest covers the flat vector without gap or overlap, in the documented order; (2) views share memory
 * with the vector; (3) initial parameters are the same bits everywhere: a Glorot-bounded hidden kernel and zeros; (4) every size out of bounds, every unknown kind and every wrong length is refused by code.
 * Oracle: sizes counted by hand; Glorot's bound and moments from the paper; for the golden digests, this generator written a
 * second time in Python 3.11 with NumPy 2.4.6 (big-integer xoshiro128**, float64, cast to little-endian float32).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '@consilium/bytes';
import {
  checkHeadSpec,
  headTensors,
  initialParameters,
  ModelSpecError,
  parameterCount,
  splitParameters,
  type HeadSpec,
} from './index.js';

const linear = { kind: 'linear', inputs: 5, classes: 3 } as const;
const mlp = { kind: 'mlp', inputs: 5, hidden: 4, classes: 3 } as const;

const anySpec: fc.Arbitrary<HeadSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('linear' as const),
    inputs: fc.integer({ min: 1, max: 50 }),
    classes: fc.integer({ min: 2, max: 9 }),
  }),
  fc.record({
    kind: fc.constant('mlp' as const),
    inputs: fc.integer({ min: 1, max: 50 }),
    hidden: fc.integer({ min: 1, max: 20 }),
    classes: fc.integer({ min: 2, max: 9 }),
  }),
);

/** Float32 little-endian bytes, whatever the machine's own order. */
function littleEndian(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, k) => {
    view.setFloat32(k * 4, value, true);
  });
  return new Uint8Array(view.buffer);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ModelSpecError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the manifest', () => {
  it('lists kernel before bias, hidden before output', () => {
    expect(headTensors(linear)).toEqual([
      { name: 'output.kernel', shape: [5, 3], offset: 0, length: 15 },
      { name: 'output.bias', shape: [3], offset: 15, length: 3 },
    ]);
    expect(headTensors(mlp)).toEqual([
      { name: 'hidden.kernel', shape: [5, 4], offset: 0, length: 20 },
      { name: 'hidden.bias', shape: [4], offset: 20, length: 4 },
      { name: 'output.kernel', shape: [4, 3], offset: 24, length: 12 },
      { name: 'output.bias', shape: [3], offset: 36, length: 3 },
    ]);
    expect(parameterCount({ kind: 'mlp', inputs: 2048, hidden: 256, classes: 3 })).toBe(525_315);
  });

  it('has no gap and no overlap, whatever the sizes', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        let next = 0;
        for (const tensor of headTensors(spec)) {
          expect(tensor.offset).toBe(next);
          expect(tensor.length).toBe(tensor.shape.reduce((a: number, b) => a * b, 1));
          next += tensor.length;
        }
        expect(parameterCount(spec)).toBe(next);
      }),
    );
  });
});

describe('splitParameters', () => {
  it('gives views, not copies', () => {
    const flat = Float32Array.from({ length: parameterCount(mlp) }, (_, k) => k);
    const views = splitParameters(mlp, flat);
    expect(Object.keys(views)).toEqual(['hidden.kernel', 'hidden.bias', 'output.kernel', 'output.bias']);
    expect([...views['hidden.bias']]).toEqual([20, 21, 22, 23]);
    views['output.bias'][2] = -1;
    expect(flat[38]).toBe(-1);
  });

  it.each([17, 19, 0])('refuses %i parameters for a head of 18', (length) => {
    expect(codeOf(() => splitParameters(linear, new Float32Array(length)))).toBe('WRONG_LENGTH');
  });

  it('respects the offset of a view inside a larger buffer', () => {
    const buffer = new Float32Array(40).fill(7);
    splitParameters(linear, buffer.subarray(10, 28))['output.kernel'].fill(1);
    expect([buffer[9], buffer[10], buffer[24], buffer[25]]).toEqual([7, 1, 1, 7]);
  });
});

describe('initialParameters', () => {
  it('gives the bits that were released', () => {
    const digest = (spec: HeadSpec, seed: string) => sha256Hex(littleEndian(initialParameters(spec, seed)));
    expect(digest({ kind: 'linear', inputs: 2048, classes: 3 }, 'consilium')).toBe(
      '6b7994f36e3dd213a5b17def3d7f3327c23159bca3fafd7c98fe1716cb863c50',
    );
    expect(digest({ kind: 'mlp', inputs: 64, hidden: 32, classes: 4 }, 'consilium')).toBe(
      '5faabd34ad801b130315ff217b365deb1c85630defbba32e06c2d1b11853d7cb',
    );
  });

  it('draws the hidden kernel uniformly within Glorot bounds and leaves the rest at zero', () => {
    const spec = { kind: 'mlp', inputs: 300, hidden: 200, classes: 3 } as const;
    const views = splitParameters(spec, initialParameters(spec, 'moments'));
    const kernel = views['hidden.kernel'];
    const bound = Math.sqrt(6 / 500);
    const mean = kernel.reduce((sum, value) => sum + value, 0) / kernel.length;
    const variance = kernel.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kernel.length;
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    // Of 60,000 uniforms the mean has a standard error of bound / 424; the seed is fixed, so this never flickers.
    expect(Math.abs(mean)).toBeLessThan(bound / 80);
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    expect(views['hidden.bias'].every((value) => value === 0)).toBe(true);
    expect(views['output.kernel'].every((value) => value === 0)).toBe(true);
    expect(views['output.bias'].every((value) => value === 0)).toBe(true);
  });

  it('depends on the seed, and not on the layers that follow', () => {
    const hiddenOf = (spec: Extract<HeadSpec, { kind: 'mlp' }>, seed: string) =>
      splitParameters(spec, initialParameters(spec, seed))['hidden.kernel'];
    expect(hiddenOf(mlp, 'a')).not.toEqual(hiddenOf(mlp, 'b'));
    // The bound is the same for every number of classes; so is the stream.
    expect(hiddenOf({ ...mlp, classes: 9 }, 'a')).toEqual(hiddenOf(mlp, 'a'));
  });
});

describe('checkHeadSpec', () => {
  it.each([
    { ...linear, inputs: 1, classes: 2 },
    { ...linear, inputs: 16_384, classes: 1_000 },
    { ...mlp, hidden: 8_192 },
    { ...mlp, hidden: 1 },
  ])('accepts %j', (spec) => {
    expect(checkHeadSpec(spec)).toBe(spec);
  });

  it.each([
    { ...linear, inputs: 0 },
    { ...linear, inputs: 16_385 },
    { ...linear, inputs: 2.5 },
    { ...linear, inputs: Number.NaN },
    { ...linear, classes: 1 },
    { ...linear, classes: 1_001 },
    { ...mlp, hidden: 0 },
    { ...mlp, hidden: 8_193 },
    { ...mlp, hidden: undefined },
    { ...mlp, kind: 'conv' },
    { ...linear, inputs: '5' },
  ])('refuses %j', (spec) => {
    expect(codeOf(() => checkHeadSpec(spec as HeadSpec))).toBe('BAD_SPEC');
    expect(codeOf(() => initialParameters(spec as HeadSpec, 's'))).toBe('BAD_SPEC');
  });
});
