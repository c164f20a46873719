/**
 * Claims: (1) a DICOM file gives the numbers of a PNG with the same greys; (2) its window, not its range, is shown, and
 * MONOCHROME1 is turned; (3) its facts come along; (4) what cannot be used is refused with the reader's own code, also
 * several frames and an empty detector; (5) no message names anybody. Oracle: pictures by formula, written by this test
 * as PNG and, by the standard's text, as DICOM.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { sampleDicom, type SampleDicom } from './dicom-sample.js';
import { ImagingError } from './errors.js';
import { readXray } from './xray.js';

const WIDTH = 240;
const HEIGHT = 260;
const ROWS = 0x00280010;
const FRAMES = 0x00280008;

/** A slope with noise, spanning 0 .. 65535 exactly. */
function slope(max = 65_535): Uint16Array {
  const random = new SeededRandom('dicom slope');
  const values = Uint16Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [(i % WIDTH) / WIDTH, Math.floor(i / WIDTH) / HEIGHT];
    return Math.round(max * (0.9 * (0.4 * x + 0.6 * y) + random.uniform(0, 0.1)));
  });
  return values.fill(0, 0, 1).fill(max, 1, 2);
}

const sample = (more: Partial<SampleDicom> = {}): Buffer =>
  sampleDicom({ width: WIDTH, height: HEIGHT, values: slope(), ...more });

async function pixelsOf(bytes: Uint8Array): Promise<Float32Array> {
  return (await readXray(bytes)).pixels;
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? NaN))), 0);

async function refusal(bytes: Uint8Array): Promise<ImagingError> {
  const error: unknown = await readXray(bytes).catch((reason: unknown) => reason);
  if (error instanceof ImagingError) return error;
  throw new Error('it was not refused with an ImagingError', { cause: error });
}

describe('a DICOM file', () => {
  it('gives the numbers of a PNG with the same greys', async () => {
    const png = await sharp(slope(), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect(largestDifference(await pixelsOf(sample()), await pixelsOf(png))).toBe(0);
  });

  it('keeps 12 bits', async () => {
    const twelve = await pixelsOf(sample({ values: slope(4095), bitsStored: 12 }));
    expect(largestDifference(twelve, await pixelsOf(sample()))).toBeLessThan(0.001);
    expect(new Set(twelve).size).toBeGreaterThan(2000);
  });

  it('is shown in its own window, and turned where white means zero', async () => {
    const plain = await pixelsOf(sample());
    const windowed = { 0x00281050: ['DS', '8192'], 0x00281051: ['DS', '16384'] } as const;
    const narrow = await pixelsOf(sample({ attributes: windowed }));
    // Three quarters of the range lie above the window.
    expect(narrow.filter((value) => value > 0.99).length / narrow.length).toBeGreaterThan(0.5);
    expect(plain.filter((value) => value === 1).length / plain.length).toBeLessThan(0.02);
    const turned = await pixelsOf(sample({ attributes: { 0x00280004: ['CS', 'MONOCHROME1'] } }));
    expect(
      largestDifference(
        turned,
        plain.map((value) => 1 - value),
      ),
    ).toBeLessThan(0.005);
  });

  it('is read by its own signature where it also begins as a TIFF does', async () => {
    const file = sample();
    file.write('II*\0', 0, 'latin1');
    expect(largestDifference(await pixelsOf(file), await pixelsOf(sample()))).toBe(0);
  });

  it('comes with its facts', async () => {
    const image = await readXray(sample({ attributes: { 0x00080060: ['CS', 'DX'], 0x00100020: ['LO', 'P-1'] } }));
    expect(image).toMatchObject({
      format: 'dicom',
      width: WIDTH,
      height: HEIGHT,
      dicom: { modality: 'DX', patientId: 'P-1' },
    });
  });

  it.each([
    ['half of its pixels', () => sample().subarray(0, 60_000), 'TRUNCATED'],
    ['no pixels', () => sample().subarray(0, sample().length - 2 * WIDTH * HEIGHT - 12), 'NO_PIXEL_DATA'],
    ['several frames', () => sample({ attributes: { [FRAMES]: ['IS', '2'] } }), 'MULTI_FRAME'],
    [
      'an unknown transfer syntax',
      () => Buffer.from(sample().toString('latin1').replace('10008.1.2.1\0', '10008.1.2.77'), 'latin1'),
      'UNSUPPORTED_TRANSFER_SYNTAX',
    ],
    ['rows in letters', () => sample({ attributes: { [ROWS]: ['US', ''] } }), 'HEADER_INVALID'],
    ['60,000 x 60,000 pixels', () => sample({ width: 60_000, height: 60_000 }), 'IMAGE_TOO_LARGE'],
    ['one grey', () => sample({ values: slope().fill(700) }), 'NEARLY_BLANK'],
    [
      'the noise of an empty detector',
      () => sample({ values: slope().map((value) => 500 + (value % 5)) }),
      'NEARLY_BLANK',
    ],
  ])('with %s is refused', async (_, bytes, code) => {
    expect((await refusal(bytes())).code).toBe(code);
  });

  it('names nobody when it is refused', async () => {
    const attributes = { 0x00100010: ['PN', 'Kowalczyk^Jan'], 0x00100020: ['LO', 'MRN-84713'] } as const;
    const error = await refusal(sample({ attributes }).subarray(0, 60_000));
    expect(JSON.stringify([error.message, String(error.cause)])).not.toMatch(/Kowalczyk|84713/);
  });
});

const shared = join(fileURLToPath(new URL('../../..', import.meta.url)), '..', 'shared', 'data', 'dicom');

describe.skipIf(!existsSync(shared))('real DICOM files', () => {
  it.each([
    ['cxr-dx-explicit-mono2-8bit-identifiers.dcm', 'DX'],
    ['cxr-cr-jpegls-mono1-10bit.dcm', 'CR'],
    ['cxr-cr-big-endian-mono1-10bit.dcm', 'CR'],
  ])('%s is read', async (name, modality) => {
    expect((await readXray(await readFile(join(shared, name)))).dicom?.modality).toBe(modality);
  });

  it.each([
    ['mr-multiframe.dcm', 'MULTI_FRAME'],
    ['bad-truncated-pixels.dcm', 'TRUNCATED'],
    ['bad-sr-no-pixels.dcm', 'NO_PIXEL_DATA'],
    ['bad-no-rows.dcm', 'HEADER_INVALID'],
  ])('%s is refused with %s', async (name, code) => {
    expect((await refusal(await readFile(join(shared, name)))).code).toBe(code);
  });
});
