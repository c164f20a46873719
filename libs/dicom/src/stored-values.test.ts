/**
 * Claims: (1) every uncompressed syntax, RLE and deflate give the values that were written; (2) only the stored bits count,
 * with their sign; (3) planes, words, frames and fragments come out in one order; (4) a short or oversized image is refused.
 * Oracle: the numbers that each test writes with samples.ts.
 */
import { describe, expect, it } from 'vitest';
import { parseDicom } from './dicom.js';
import { attribute, fragments, rleFrame, sampleDicom, withMeta, type SampleImage } from './samples.js';
import { storedValues } from './stored-values.js';

const values = async (image: SampleImage): Promise<number[]> => [
  ...(await storedValues(parseDicom(sampleDicom(image)))),
];
const grid = (length: number, bits: number): number[] =>
  Array.from({ length }, (_, i) => (i * 2_654_435_761) % 2 ** bits);

describe('uncompressed', () => {
  const cells = grid(6 * 7, 12);
  it.each(['implicit', 'explicit', 'big-endian', 'deflated', 'rle'] as const)('reads %s', async (syntax) => {
    expect(await values({ rows: 6, columns: 7, cells, bitsStored: 12, syntax })).toEqual(cells);
    const bytes = grid(42, 8);
    expect(await values({ rows: 6, columns: 7, cells: bytes, bitsAllocated: 8, syntax })).toEqual(bytes);
    const signed = [-1, 5, -32_768, 32_767];
    expect(await values({ rows: 2, columns: 2, cells: signed, signed: true, syntax })).toEqual(signed);
    expect(
      await values({
        rows: 1,
        columns: 3,
        cells: [-7, 2 ** 31 - 1, -(2 ** 31)],
        bitsAllocated: 32,
        signed: true,
        syntax,
      }),
    ).toEqual([-7, 2 ** 31 - 1, -(2 ** 31)]);
  });

  it('reads a data set without preamble and meta header', async () => {
    for (const syntax of ['implicit', 'explicit', 'big-endian'] as const) {
      expect(await values({ rows: 6, columns: 7, cells, bitsStored: 12, syntax, meta: false })).toEqual(cells);
    }
  });

  it('goes by the data set where the meta header names the other VR encoding', async () => {
    const explicit = sampleDicom({ rows: 6, columns: 7, cells, bitsStored: 12, meta: false });
    const implicit = sampleDicom({ rows: 6, columns: 7, cells, bitsStored: 12, meta: false, syntax: 'implicit' });
    for (const file of [withMeta(explicit, '1.2.840.10008.1.2'), withMeta(implicit, '1.2.840.10008.1.2.1')]) {
      expect([...(await storedValues(parseDicom(file)))]).toEqual(cells);
    }
  });

  it('reads cells whole that are sign-extended and hold more than the declared bits, and no others', async () => {
    const image = { rows: 1, columns: 4, bitsStored: 12, signed: true };
    // The third would be -96 in 12 bits; that the second is extended shows that the writer extends.
    expect(await values({ ...image, cells: [5, -2_048, 4_000, 2_047] })).toEqual([5, -2_048, 4_000, 2_047]);
    // Nothing is extended: the sign is in bit 11.
    expect(await values({ ...image, cells: [5, 2_048, 4_000, 2_047] })).toEqual([5, -2_048, -96, 2_047]);
    // One cell with rubbish above, and the bits above mean nothing anywhere.
    expect(await values({ ...image, cells: [5 | 0x3000, -2_048, 4_000, 2_047] })).toEqual([5, -2_048, -96, 2_047]);
  });

  it('drops rubbish around the stored bits', async () => {
    const stored = [0, 1, 2_047, 2_048, 4_095, 77];
    const image = { rows: 2, columns: 3, bitsStored: 12 };
    const high = stored.map((value) => value | 0xa000);
    expect(await values({ ...image, cells: high })).toEqual(stored);
    const both = stored.map((value) => (value << 2) | 0xc003);
    expect(await values({ ...image, cells: both, highBit: 13 })).toEqual(stored);
    const signed = stored.map((value) => (value < 2_048 ? value : value - 4_096));
    expect(await values({ ...image, cells: high, signed: true })).toEqual(signed);
    expect(await values({ ...image, cells: both, highBit: 13, signed: true })).toEqual(signed);
  });

  it('swaps 8-bit pixels that are written in big-endian words', async () => {
    const pixels = attribute(0x7fe00010, 'OW', Uint8Array.of(2, 1, 4, 3, 6, 5));
    const image: SampleImage = { rows: 1, columns: 6, cells: [], bitsAllocated: 8, attributes: [pixels] };
    expect(await values({ ...image, syntax: 'big-endian' })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await values({ ...image, syntax: 'explicit' })).toEqual([2, 1, 4, 3, 6, 5]);
  });
});

describe('colour and frames', () => {
  const rgb = { rows: 2, columns: 2, samples: 3, bitsAllocated: 8, photometric: 'RGB' } as const;
  const pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  it('puts the samples of a pixel together, however they are stored', async () => {
    expect(await values({ ...rgb, cells: pixels })).toEqual(pixels);
    expect(await values({ ...rgb, cells: [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12], planar: true })).toEqual(pixels);
    expect(await values({ ...rgb, cells: pixels, syntax: 'rle' })).toEqual(pixels);
  });

  it('gives each pixel of YBR_FULL_422 the colour of its pair', async () => {
    const pair = attribute(0x7fe00010, 'OB', Uint8Array.of(10, 20, 30, 40));
    const image: SampleImage = { ...rgb, rows: 1, cells: [], photometric: 'YBR_FULL_422', attributes: [pair] };
    expect(await values(image)).toEqual([10, 30, 40, 20, 30, 40]);
  });

  it('reads frames in order, from one fragment each or by the offset table', async () => {
    const cells = grid(3 * 4, 16);
    const image: SampleImage = { rows: 2, columns: 2, frames: 3, cells };
    expect(await values(image)).toEqual(cells);
    expect(await values({ ...image, syntax: 'rle' })).toEqual(cells);

    const parts = [0, 4, 8].map((at) => rleFrame(cells.slice(at, at + 4), 1, 2));
    const halves = parts.flatMap((part) => [part.subarray(0, 40), part.subarray(40)]);
    const table = new DataView(new ArrayBuffer(12));
    let offset = 0;
    parts.forEach((part, i) => {
      table.setUint32(4 * i, offset, true);
      offset += part.length + 16;
    });
    const items = fragments(new Uint8Array(table.buffer), ...halves).subarray(8);
    const own = (value: Uint8Array) => [{ tag: 0x7fe00010, vr: 'OB', value, undefinedLength: true }];
    expect(await values({ ...image, syntax: 'rle', attributes: own(items) })).toEqual(cells);
    await expect(values({ ...image, syntax: 'rle', attributes: own(fragments(...halves)) })).rejects.toMatchObject({
      code: 'UNSUPPORTED_PIXELS',
    });
  });
});

describe('refusals', () => {
  const image: SampleImage = { rows: 2, columns: 2, cells: [1, 2, 3, 4] };
  const rows = (count: number) => attribute(0x00280010, 'US', count);
  it('of images above the limits, before they are allocated', async () => {
    const huge = { ...image, attributes: [rows(65_535), attribute(0x00280011, 'US', 65_535)] };
    await expect(values(huge)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    const wide = {
      ...image,
      samples: 3,
      photometric: 'RGB',
      attributes: [rows(7_000), attribute(0x00280011, 'US', 7_000)],
    };
    await expect(values(wide)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    const many = { ...image, attributes: [attribute(0x00280008, 'IS', '2000000000')] };
    await expect(values(many)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it.each(['explicit', 'deflated', 'rle'] as const)('of a short image (%s)', async (syntax) => {
    await expect(values({ ...image, syntax, attributes: [rows(3)] })).rejects.toMatchObject({ code: 'TRUNCATED' });
    await expect(
      values({ ...image, syntax, attributes: [rows(9_000), attribute(0x00280011, 'US', 9_000)] }),
    ).rejects.toMatchObject({ code: 'TRUNCATED' });
  });

  it('of a transfer syntax that is not read, by its name', async () => {
    const body = sampleDicom({ ...image, meta: false });
    const refusal = (uid: string) => storedValues(parseDicom(withMeta(body, uid)));
    await expect(refusal('1.2.840.10008.1.2.4.110')).rejects.toMatchObject({
      code: 'UNSUPPORTED_TRANSFER_SYNTAX',
      message: 'JPEG XL Lossless is not read',
    });
    await expect(refusal('1.2.3.4.5')).rejects.toMatchObject({ message: '1.2.3.4.5 is not read' });
    await expect(refusal('1.2.840.10008.1.2.4.50')).rejects.toMatchObject({ code: 'HEADER_INVALID' });
  });

  it('of RLE whose segments are not those of the image', async () => {
    const frame = rleFrame([1, 2, 3, 4], 1, 2);
    const refusal = (part: Uint8Array) =>
      values({
        ...image,
        syntax: 'rle',
        attributes: [{ tag: 0x7fe00010, vr: 'OB', value: fragments(part), undefinedLength: true }],
      });
    await expect(refusal(rleFrame([1, 2, 3, 4], 1, 1))).rejects.toMatchObject({ code: 'DECODE_FAILED' });
    await expect(refusal(frame.subarray(0, 20))).rejects.toMatchObject({ code: 'TRUNCATED' });
    await expect(refusal(frame.subarray(0, 66))).rejects.toMatchObject({ code: 'TRUNCATED' });
    await expect(refusal(frame.with(8, 255))).rejects.toMatchObject({ code: 'DECODE_FAILED' });
    await expect(storedValues({ facts: parseDicom(sampleDicom(image)).facts })).rejects.toThrow(TypeError);
  });
});
