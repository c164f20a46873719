/**
 * Claims: (1) a png16 holds the 16 bits of each pixel, one channel; (2) a jpeg is 8-bit, one channel, close to the upper
 * byte; (3) a contact sheet is an 8-bit PNG of the stated size. Oracle: sharp's metadata and decoder.
 */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from './contact-sheet.js';
import { encodePhantom } from './encode.js';
import { demoHospitals } from './hospitals.js';
import { renderPhantom } from './phantom.js';

const scanner = { ...(demoHospitals(1, 'x')[0] as ReturnType<typeof demoHospitals>[number]).scanner, sizePixels: 128 };
const image = renderPhantom({ seed: 'p', label: 'normal', scanner });

describe('files', () => {
  it('keeps 16 bits in a PNG', async () => {
    const file = await encodePhantom(image, 'png16');
    expect(await sharp(file).metadata()).toMatchObject({
      format: 'png',
      depth: 'ushort',
      channels: 1,
      width: 128,
      height: 128,
    });
    const decoded = await sharp(file).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
    const values = new Uint16Array(decoded.buffer, decoded.byteOffset, decoded.byteLength / 2);
    expect(values).toEqual(image.pixels);
  });

  it('writes an 8-bit grey JPEG', async () => {
    const file = await encodePhantom(image, 'jpeg');
    expect(await sharp(file).metadata()).toMatchObject({ format: 'jpeg', depth: 'uchar', channels: 1, space: 'b-w' });
    const decoded = await sharp(file).toColourspace('b-w').raw().toBuffer();
    const error =
      decoded.reduce((sum, v, k) => sum + Math.abs(v - (image.pixels[k] as number) / 256), 0) / decoded.length;
    expect(error).toBeLessThan(3);
  });
});

describe('contact sheet', () => {
  it('tiles the films', async () => {
    const file = await contactSheet([{ image, caption: 'NORMAL' }, { image }, { image }], 2, 64);
    expect(await sharp(file).metadata()).toMatchObject({
      format: 'png',
      depth: 'uchar',
      channels: 1,
      width: 132,
      height: 132,
    });
    const { data, info } = await sharp(file)
      .extract({ left: 1, top: 58, width: 64, height: 7 })
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(1);
    expect(Math.max(...data)).toBeGreaterThan(180);
    expect(data.filter((v) => v === 0).length).toBeGreaterThan(data.length / 2);
  });

  it('refuses what it cannot draw', async () => {
    await expect(contactSheet([], 2)).rejects.toThrow(RangeError);
    await expect(contactSheet([{ image }], 0)).rejects.toThrow(RangeError);
    await expect(contactSheet([{ image, caption: 'x' }], 1)).rejects.toThrow(RangeError);
  });
});
