/**
 * Claims: (1) every codec and every tone gives what independent programs read from the same files; (2) so do the public
 * sample files, where they are present; (3) a codestream that disagrees with its header, lacks its end or is damaged is
 * refused, and disturbs no image that is read at the same time. Oracles: vectors/dicom.py (pydicom with the libjpeg, OpenJPEG and CharLS plug-ins; GDCM wrote the files); the
 * hashes of the sample files' index.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { displayGrey, parseDicom, storedValues } from './index.js';

interface Vector {
  readonly name: string;
  readonly file: string;
  readonly stored: string;
  readonly grey?: string;
  readonly lossy?: true;
}
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, 'base64'));
const { vectors } = JSON.parse(readFileSync(new URL('../vectors/dicom.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

it.each(vectors)('reads $name as others do', async ({ file, stored, grey, lossy }) => {
  const dicom = parseDicom(bytesOf(file));
  const expected = [...new Int32Array(bytesOf(stored).buffer)];
  const values = [...(await storedValues(dicom))];
  expect(values).toHaveLength(expected.length);
  // The inverse cosine transform may be rounded differently (ITU-T T.83), nothing else may.
  const tolerance = lossy ? 1 : 0;
  expect(values.every((value, i) => Math.abs(value - (expected[i] ?? NaN)) <= tolerance)).toBe(true);
  if (grey !== undefined) {
    expect([...(await displayGrey(dicom)).grey]).toEqual([...new Uint16Array(bytesOf(grey).buffer)]);
  }
});

describe.each(vectors.filter(({ name }) => name.startsWith('JPEG')))('$name', ({ file }) => {
  const find = (bytes: Uint8Array, ...marker: number[]): number => Buffer.from(bytes).lastIndexOf(Buffer.from(marker));
  const codeOf = (bytes: Uint8Array): Promise<unknown> =>
    storedValues(parseDicom(bytes)).then(
      () => 'read',
      (error: unknown) => (error as { readonly code: unknown }).code,
    );

  it('is refused without its end', async () => {
    const bytes = bytesOf(file);
    bytes[find(bytes, 0xff, 0xd9) + 1] = 0xd8;
    expect(await codeOf(bytes)).toBe('TRUNCATED');
  });

  it('is refused if it is of another size than the header', async () => {
    const bytes = bytesOf(file);
    bytes[find(bytes, 0x28, 0x00, 0x10, 0x00, 0x55, 0x53) + 8] = 13;
    expect(await codeOf(bytes)).toBe('DECODE_FAILED');
  });

  it('is refused where the codec stops, and the next image is read all the same', async () => {
    const bytes = bytesOf(file);
    const scan = Math.max(find(bytes, 0xff, 0xda), find(bytes, 0xff, 0x90), find(bytes, 0xff, 0x5c));
    bytes.fill(0xff, scan + 2, scan + 8);
    expect(await codeOf(bytes)).toBe('DECODE_FAILED');
    expect(await codeOf(bytesOf(file))).toBe('read');
    const together = await Promise.all([bytesOf(file), bytes, bytesOf(file), bytes, bytesOf(file)].map(codeOf));
    expect(together).toEqual(['read', 'DECODE_FAILED', 'read', 'DECODE_FAILED', 'read']);
  });
});

describe('the public sample files', () => {
  const folder = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'dicom');
  const present = existsSync(join(folder, 'index.csv'));
  const index = present ? readFileSync(join(folder, 'index.csv'), 'utf8').trim().split('\n').slice(1) : [];
  const files = index.map((line) => line.split(',')).map((cells) => [cells[0] ?? '', cells[9] ?? ''] as const);
  const read = (name: string) => parseDicom(new Uint8Array(readFileSync(join(folder, name))));

  it.skipIf(!present)('have the values of the index', async () => {
    const readable = files.filter(([, hash]) => hash !== '');
    expect(readable.length).toBeGreaterThan(20);
    for (const [name, hash] of readable) {
      const values = await storedValues(read(name));
      const found = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 16);
      expect([name, found]).toEqual([name, hash]);
    }
  });

  it.skipIf(!present)('are refused where they are bad', async () => {
    expect(() => read('bad-no-meta.dcm')).toThrow(expect.objectContaining({ code: 'NOT_DICOM' }));
    expect(() => read('bad-no-rows.dcm')).toThrow(expect.objectContaining({ code: 'HEADER_INVALID' }));
    expect(() => read('bad-sr-no-pixels.dcm')).toThrow(expect.objectContaining({ code: 'NO_PIXEL_DATA' }));
    await expect(storedValues(read('bad-truncated-pixels.dcm'))).rejects.toMatchObject({ code: 'TRUNCATED' });
    expect(read('mr-multiframe.dcm').facts.frames).toBe(10);
    expect((await displayGrey(read('ot-palette-8bit.dcm'))).width).toBe(640);
  });
});
