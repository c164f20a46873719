/**
 * Claims: (1) the order is modality, value of interest, presentation; (2) without a window the image's own range is shown,
 * padding apart; (3) MONOCHROME1 and INVERSE invert once; (4) tables clamp, in words or bytes, in any byte order;
 * (5) colour and palettes become luma. Oracle: arithmetic in each test; windows and tables against pydicom: vectors.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { parseDicom } from './dicom.js';
import { displayGrey } from './display-grey.js';
import { attribute, sampleDicom, type Attribute, type SampleImage } from './samples.js';

const shown = async (image: SampleImage): Promise<number[]> => [
  ...(await displayGrey(parseDicom(sampleDicom(image)))).grey,
];
const row = (
  cells: readonly number[],
  attributes: readonly Attribute[] = [],
  more: Partial<SampleImage> = {},
): SampleImage => ({
  rows: 1,
  columns: cells.length,
  cells,
  bitsStored: 12,
  attributes,
  ...more,
});
const window = (center: number, width: number): Attribute[] => [
  attribute(0x00281050, 'DS', String(center)),
  attribute(0x00281051, 'DS', String(width)),
];
const lut = (
  tag: number,
  first: number,
  bits: number,
  entries: Attribute['value'],
  count: number,
  vr = 'US',
): Attribute =>
  attribute(tag, 'SQ', [[attribute(0x00283002, vr, [count, first, bits]), attribute(0x00283006, 'OW', entries)]]);

describe('grey without a window', () => {
  it('spans the range of the image', async () => {
    expect(await shown(row([100, 200, 300]))).toEqual([0, 32_768, 65_535]);
    expect(await shown(row([7, 7]))).toEqual([0, 0]);
    expect(await shown(row([100, 300], window(0, 0)))).toEqual([0, 65_535]);
  });

  it('leaves padding out of the range', async () => {
    const padding = attribute(0x00280120, 'US', 4_000);
    expect(await shown(row([100, 200, 300, 4_000], [padding]))).toEqual([0, 32_768, 65_535, 65_535]);
    const signed = [attribute(0x00280120, 'US', 0xf800), attribute(0x00280121, 'US', 0xf803)];
    expect(await shown(row([-2_048, -2_046, -100, 0, 100], signed, { signed: true }))).toEqual([
      0, 0, 0, 32_768, 65_535,
    ]);
  });

  it('inverts MONOCHROME1 and Presentation LUT Shape INVERSE, once', async () => {
    const inverse = attribute(0x20500020, 'CS', 'INVERSE');
    const inverted = [65_535, 32_768, 0];
    expect(await shown(row([0, 1_000, 2_000], [], { photometric: 'MONOCHROME1' }))).toEqual(inverted);
    expect(await shown(row([0, 1_000, 2_000], [inverse], { photometric: 'MONOCHROME1' }))).toEqual(inverted);
    expect(await shown(row([0, 1_000, 2_000], [inverse]))).toEqual(inverted);
  });
});

describe('windows and tables', () => {
  it('rescales before the window, and inverts after it', async () => {
    const rescale = [attribute(0x00281052, 'DS', '-1024'), attribute(0x00281053, 'DS', '2')];
    const cells = [0, 512, 1_024];
    expect(await shown(row(cells, [...window(0.5, 2_049), ...rescale]))).toEqual([0, 32_768, 65_535]);
    const inverted = row(cells, [...window(0.5, 1_025), ...rescale], { photometric: 'MONOCHROME1' });
    expect(await shown(inverted)).toEqual([65_535, 32_768, 0]);
    await expect(shown(row(cells, [attribute(0x00281053, 'DS', '0')]))).rejects.toMatchObject({
      code: 'HEADER_INVALID',
    });
  });

  it('has the three shapes of a window', async () => {
    const shape = (name: string) => attribute(0x00281056, 'CS', name);
    // PS3.3 C.11.2.1.2: for c = 2048 and w = 4096, LINEAR is (x - 2047.5) / 4095 + 0.5 and exact (x - 2048) / 4096 + 0.5.
    expect(await shown(row([1, 4_095], window(2_048, 4_096)))).toEqual([16, 65_535]);
    expect(await shown(row([1, 4_095], [...window(2_048, 4_096), shape('LINEAR_EXACT')]))).toEqual([16, 65_519]);
    expect(await shown(row([99, 100, 101], window(100.5, 1)))).toEqual([0, 0, 65_535]);
    const sigmoid = await shown(row([1_000, 1_250], [...window(1_000, 500), shape('SIGMOID')]));
    expect(sigmoid).toEqual([32_768, Math.round(65_535 / (1 + Math.exp(-2)))]);
  });

  it.each(['implicit', 'explicit', 'big-endian'] as const)('looks up and clamps (%s)', async (syntax) => {
    const words = lut(0x00283010, 10, 12, [0, 1_365, 4_095], 3);
    expect(await shown(row([5, 10, 11, 12, 900], [words], { syntax }))).toEqual([0, 0, 21_845, 65_535, 65_535]);
    const bytes = syntax === 'big-endian' ? [128, 0, 0, 255] : [0, 128, 255, 0];
    const packed = lut(0x00283010, 10, 8, Uint8Array.from(bytes), 3);
    expect(await shown(row([10, 11, 12], [packed], { syntax }))).toEqual([0, Math.round((65_535 * 128) / 255), 65_535]);
    const modality = lut(0x00283000, 0xfffe, 16, [9, 8, 7, 5], 4, 'SS');
    const signed = row([-2, -1, 0, 1], [modality], { signed: true, syntax });
    expect(await shown(signed)).toEqual([65_535, 49_151, 32_768, 0]);
  });

  it('refuses a table that is shorter than its descriptor says', async () => {
    for (const count of [4, 0]) {
      const short = lut(0x00283010, 0, 12, [1, 2, 3], count);
      await expect(shown(row([1, 2], [short]))).rejects.toMatchObject({ code: 'HEADER_INVALID' });
    }
  });
});

describe('colour', () => {
  const colour = { rows: 1, columns: 2, samples: 3, bitsAllocated: 8, bitsStored: 8 } as const;
  it('becomes luma', async () => {
    expect(await shown({ ...colour, cells: [255, 0, 0, 0, 255, 255], photometric: 'RGB' })).toEqual([19_595, 45_940]);
    expect(await shown({ ...colour, cells: [255, 1, 2, 51, 3, 4], photometric: 'YBR_FULL' })).toEqual([65_535, 13_107]);
  });

  it('of a palette is that of its entries', async () => {
    const attributes = [0, 1, 2].flatMap((i) => [
      attribute(0x00281101 + i, 'US', [2, 0, 16]),
      attribute(0x00281201 + i, 'OW', i === 1 ? [0, 65_535] : [65_535, 0]),
    ]);
    const image: SampleImage = {
      rows: 1,
      columns: 3,
      cells: [0, 1, 9],
      bitsAllocated: 8,
      bitsStored: 8,
      photometric: 'PALETTE COLOR',
    };
    expect(await shown({ ...image, attributes })).toEqual([27_066, 38_469, 38_469]);
    await expect(shown(image)).rejects.toMatchObject({ code: 'HEADER_INVALID' });
    const segmented = attribute(0x00281221, 'OW', [0]);
    await expect(shown({ ...image, attributes: [...attributes, segmented] })).rejects.toMatchObject({
      code: 'UNSUPPORTED_PIXELS',
    });
  });
});

it('leaves the choice of a frame to the caller', async () => {
  await expect(shown({ rows: 1, columns: 1, frames: 2, cells: [1, 2] })).rejects.toMatchObject({
    code: 'UNSUPPORTED_PIXELS',
  });
});
