/**
 * Claims, of PNG, JPEG and TIFF files: (1) the result is 224x224 in [0, 1] with the window at the percentiles 0.5 and 99.5; (2) 12 bits stored in 16
 * give as many greys as they hold and the same picture as the full range; (3) the whole image is kept, the way up that
 * it is stored; (4) every file that is not a readable radiograph is refused with its code and without naming anything.
 * Oracle: pictures drawn here by formula, and percentiles by sorting; sharp only encodes them.
 */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { ImagingError } from './errors.js';
import { IMAGE_SIDE, setDecoderThreads } from './square.js';
import { windowed } from './window.js';
import { decodeImage, PREPROCESSING_VERSION, readXray } from './xray.js';

/** A slope from the top left to the bottom right with a little noise, 0 .. 1. */
function slope(width: number, height: number): Float64Array {
  const random = new SeededRandom('slope');
  return Float64Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    return 0.9 * (0.3 * x + 0.7 * y) + random.uniform(0, 0.1);
  });
}

const png8 = (picture: Float64Array, width: number, height: number): Promise<Buffer> =>
  sharp(
    Uint8Array.from(picture, (value) => Math.round(value * 255)),
    { raw: { width, height, channels: 1 } },
  )
    .png()
    .toBuffer();

const png16 = (picture: Float64Array, width: number, height: number, max: number): Promise<Buffer> =>
  sharp(
    Uint16Array.from(picture, (value) => Math.round(value * max)),
    { raw: { width, height, channels: 1 } },
  )
    .toColourspace('grey16')
    .png()
    .toBuffer();

const at = (image: Float32Array, x: number, y: number): number => image[y * IMAGE_SIDE + x] ?? NaN;

const meanDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0) / a.length;

async function codeOf(bytes: Uint8Array): Promise<string> {
  try {
    await decodeImage(bytes);
  } catch (error) {
    if (error instanceof ImagingError) return error.code;
    throw error;
  }
  return 'ACCEPTED';
}

describe('readXray', () => {
  it('spans the window between the percentiles, by sorting', () => {
    const random = new SeededRandom('window');
    const grey = Uint16Array.from({ length: 10_000 }, () => 300 + random.integer(3000));
    const sorted = [...grey].sort((a, b) => a - b);
    const [low, high] = [sorted[49] ?? NaN, sorted[9949] ?? NaN];
    const expected = Float32Array.from(grey, (level) => Math.min(1, Math.max(0, (level - low) / (high - low))));
    expect(windowed(grey, 64)).toEqual(expected);
  });

  it('gives a square in [0, 1] that follows the picture', async () => {
    const image = await decodeImage(await png8(slope(400, 300), 400, 300));
    expect(image).toHaveLength(IMAGE_SIDE * IMAGE_SIDE);
    expect(image.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(image.filter((value) => value === 0).length / image.length).toBeGreaterThan(0.003);
    expect(image.filter((value) => value === 1).length / image.length).toBeGreaterThan(0.003);
    // The slope is 0.3 to the right and 0.7 down: no flip, no transposition.
    expect(at(image, 200, 20)).toBeGreaterThan(at(image, 20, 20) + 0.1);
    expect(at(image, 20, 200)).toBeGreaterThan(at(image, 200, 20) + 0.1);
  });

  it('keeps 12 bits stored in 16', async () => {
    const picture = slope(300, 300);
    const twelve = await decodeImage(await png16(picture, 300, 300, 4095));
    const sixteen = await decodeImage(await png16(picture, 300, 300, 65535));
    // Through 8 bits, 4,095 of 65,535 would leave 16 greys.
    expect(new Set(twelve).size).toBeGreaterThan(2000);
    expect(meanDifference(twelve, sixteen)).toBeLessThan(0.001);
  });

  it('does not depend on offset and gain, which differ between scanners', async () => {
    const picture = slope(300, 300);
    const dim = picture.map((value) => 0.2 + 0.3 * value);
    const a = await decodeImage(await png16(picture, 300, 300, 65535));
    const b = await decodeImage(await png16(dim, 300, 300, 65535));
    expect(meanDifference(a, b)).toBeLessThan(0.001);
  });

  it('stretches the whole image, borders included', async () => {
    // A bright frame of 5 % of each side: cropping would lose two of its bars, padding would add dark ones.
    const frame = Float64Array.from({ length: 600 * 200 }, (_, i) => {
      const [x, y] = [i % 600, Math.floor(i / 600)];
      return x < 30 || x >= 570 || y < 10 || y >= 190 ? 1 : 0.1;
    });
    const image = await decodeImage(await png8(frame, 600, 200));
    for (const [x, y] of [
      [3, 112],
      [220, 112],
      [112, 3],
      [112, 220],
    ] as const)
      expect(at(image, x, y)).toBeGreaterThan(0.95);
    // Not 0: the resampling rings a little at the frame, and the window begins there.
    expect(at(image, 112, 112)).toBeLessThan(0.1);
  });

  it('reads grey and colour JPEG, colour and transparent PNG, and TIFF, as the same picture', async () => {
    const file = await png8(slope(320, 320), 320, 320);
    const reference = await decodeImage(file);
    const rgb = sharp(file).toColourspace('srgb');
    const variants = [
      sharp(file).jpeg({ quality: 95 }),
      rgb.clone().jpeg({ quality: 95 }),
      rgb.clone().jpeg({ quality: 95, progressive: true }),
      rgb.clone().png(),
      rgb.clone().ensureAlpha().png(),
      sharp(file).tiff({ compression: 'lzw' }),
      sharp(file).tiff({ compression: 'none', tile: true }),
      rgb.clone().tiff({ compression: 'deflate' }),
    ];
    for (const variant of variants) {
      expect(meanDifference(await decodeImage(await variant.toBuffer()), reference)).toBeLessThan(0.01);
    }
  });

  it('says what it read: format and size of the file', async () => {
    const file = sharp(await png8(slope(400, 300), 400, 300));
    for (const format of ['png', 'jpeg', 'tiff'] as const) {
      const image = await readXray(await file.clone().withMetadata({ orientation: 6 }).toFormat(format).toBuffer());
      expect(image).toMatchObject({ format, width: 400, height: 300 });
      expect(Object.keys(image)).not.toContain('dicom');
    }
  });

  it('gives the numbers of its version', async () => {
    // Printed by the first release of this version; to 3 places, because vector units round differently. Other numbers
    // need another version.
    const image = await decodeImage(await png16(slope(300, 260), 300, 260, 4095));
    expect(PREPROCESSING_VERSION).toBe('grey16-whole-224-p0.5-p99.5/1');
    const expected = [0, 0.1023, 0.30749, 0.36144, 0.71639, 0.77358, 0.94546, 0.76887];
    for (const [k, at] of [0, 5_000, 10_000, 20_000, 30_000, 40_000, 45_000, 50_000].entries()) {
      expect(image[at]).toBeCloseTo(expected[k] as number, 3);
    }
  });

  it('keeps 16 bits of a TIFF', async () => {
    const png = await png16(slope(300, 300), 300, 300, 65535);
    const tiff = await sharp(png).toColourspace('grey16').tiff({ compression: 'deflate' }).toBuffer();
    expect(meanDifference(await decodeImage(tiff), await decodeImage(png))).toBe(0);
  });

  it('does not turn an image by its EXIF tag', async () => {
    const file = sharp(await png8(slope(320, 320), 320, 320));
    const plain = await decodeImage(await file.clone().jpeg().toBuffer());
    const tagged = await file.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect((await sharp(tagged).metadata()).orientation).toBe(6);
    expect(await decodeImage(tagged)).toEqual(plain);
  });

  it('gives the same numbers with any number of threads', async () => {
    const file = await png8(slope(500, 400), 500, 400);
    setDecoderThreads(1);
    const one = await decodeImage(file);
    setDecoderThreads(2);
    expect(await decodeImage(file)).toEqual(one);
    setDecoderThreads(0);
  });

  it('has a version that caches can use as a key', () => {
    expect(PREPROCESSING_VERSION).toMatch(/^[\x21-\x7e]{8,64}$/);
  });
});

describe('what readXray refuses', () => {
  const picture = slope(256, 256);

  it.each([
    ['a text', 'image,label,site\n', 'NOT_AN_IMAGE'],
    ['nothing', '', 'NOT_AN_IMAGE'],
    ['the signature of PNG and garbage', '\x89PNG\r\n\x1a\n' + 'x'.repeat(100), 'NOT_AN_IMAGE'],
    ['the signature of DICOM and nothing', '\0'.repeat(128) + 'DICM\x02\0', 'HEADER_INVALID'],
    ['a zip', 'PK\x03\x04' + '\0'.repeat(200), 'NOT_AN_IMAGE'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'UNSUPPORTED_FORMAT'],
  ])('%s', async (_, text, code) => {
    expect(await codeOf(Buffer.from(text, 'latin1'))).toBe(code);
  });

  it('other formats, though the decoder knows them', async () => {
    const image = sharp(await png8(picture, 256, 256));
    for (const format of ['gif', 'webp', 'avif'] as const) {
      expect(await codeOf(await image.clone().toFormat(format).toBuffer())).toBe('UNSUPPORTED_FORMAT');
    }
  });

  it('a PNG and a JPEG that are cut off', async () => {
    const png = await png8(picture, 256, 256);
    const jpeg = await sharp(png).jpeg().toBuffer();
    for (const file of [png, jpeg]) {
      expect(await codeOf(file)).toBe('ACCEPTED');
      for (const share of [0.4, 0.7, 0.95])
        expect(await codeOf(file.subarray(0, file.length * share))).toBe('TRUNCATED');
    }
  });

  it('a PNG with a flipped bit in its pixels', async () => {
    const png = await png8(picture, 256, 256);
    const middle = Math.floor(png.length / 2);
    png[middle] = (png[middle] ?? 0) ^ 0x10;
    expect(await codeOf(png)).toBe('TRUNCATED');
  });

  it('too many pixels, by the header alone', async () => {
    const png = await png8(picture, 256, 256);
    // IHDR: width and height as u32 at 16 and 20, its CRC at 29. 400 million pixels were never stored.
    png.writeUInt32BE(20_000, 16);
    png.writeUInt32BE(20_000, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    expect(await codeOf(png)).toBe('IMAGE_TOO_LARGE');
  });

  it('an image of almost one grey, at either depth, but not a faint one of 10 bits', async () => {
    const faint = (contrast: number) => picture.map((value) => 0.5 + contrast * value);
    expect(await codeOf(await png8(faint(0.01), 256, 256))).toBe('NEARLY_BLANK');
    expect(await codeOf(await png16(faint(0.0003), 256, 256, 65535))).toBe('NEARLY_BLANK');
    expect(await codeOf(await png16(picture, 256, 256, 1023))).toBe('ACCEPTED');
  });

  it('every JPEG with a damaged header without another kind of error', async () => {
    const jpeg = await sharp(await png8(picture, 256, 256))
      .jpeg()
      .toBuffer();
    const random = new SeededRandom('damage');
    for (let i = 0; i < 60; i++) {
      const damaged = Buffer.from(jpeg);
      damaged[3 + random.integer(400)] = random.integer(256);
      await expect(codeOf(damaged)).resolves.toBeTypeOf('string');
    }
  });
});

/** CRC-32 of PNG (ISO 3309), since Node 20 has none. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
