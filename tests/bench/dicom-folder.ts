/** A folder of PNG phantoms, once more as uncompressed DICOM (explicit little endian, 16 bits): the same greys. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

function element(tag: number, vr: string, value: Uint8Array): Buffer {
  const long = vr === 'OW';
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

const text = (tag: number, vr: string, value: string): Buffer =>
  element(tag, vr, Buffer.from(value.length % 2 === 0 ? value : `${value} `, 'latin1'));
const short = (tag: number, value: number): Buffer => element(tag, 'US', Uint8Array.of(value & 0xff, value >>> 8));

const dicomFile = (pixels: Uint8Array, width: number, height: number, patient: string): Buffer =>
  Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(0x00020010, 'UI', Buffer.from('1.2.840.10008.1.2.1\0', 'latin1')),
    text(0x00080060, 'CS', 'DX'),
    text(0x00100020, 'LO', patient),
    short(0x00280002, 1),
    text(0x00280004, 'CS', 'MONOCHROME2'),
    short(0x00280010, height),
    short(0x00280011, width),
    short(0x00280100, 16),
    short(0x00280101, 16),
    short(0x00280102, 15),
    short(0x00280103, 0),
    element(0x7fe00010, 'OW', pixels),
  ]);

/** Writes `to`, with the manifest of `from`. */
export async function writeAsDicom(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of (await readdir(from)).filter((file) => file.endsWith('.png'))) {
    const image = sharp(join(from, name)).toColourspace('grey16').raw({ depth: 'ushort' });
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    await writeFile(join(to, name.replace('.png', '.dcm')), dicomFile(data, info.width, info.height, name));
  }
  const manifest = await readFile(join(from, 'manifest.csv'), 'utf8');
  await writeFile(join(to, 'manifest.csv'), manifest.replaceAll('.png', '.dcm'));
}
