/**
 * Claims: (1) the facts are those of the file, in every encoding; (2) what an image needs and the header lacks is refused;
 * (3) sequences of any kind are walked over, however deep within the limit; (4) other files are not DICOM; (5) a deflate
 * bomb is refused. Oracle: the attributes that each test writes.
 */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseDicom } from './dicom.js';
import { DicomError } from './errors.js';
import { isDicom } from './part10.js';
import { attribute, encoded, sampleDicom, SYNTAX_UIDS, withMeta, type Attribute, type SampleImage } from './samples.js';

const image: SampleImage = { rows: 2, columns: 3, cells: [1, 2, 3, 4, 5, 6], bitsStored: 12 };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DicomError) return error.code;
    throw error;
  }
  return 'none';
}

it.each(['implicit', 'explicit', 'big-endian', 'deflated', 'rle'] as const)('reads the facts of %s', (syntax) => {
  const { facts } = parseDicom(sampleDicom({ ...image, syntax }));
  expect(facts).toEqual({
    transferSyntax: SYNTAX_UIDS[syntax],
    transferSyntaxName: facts.transferSyntaxName,
    sopInstanceUid: '1.2.3.4',
    accessionNumber: 'A-17',
    patientId: 'P-0815',
    modality: 'DX',
    bodyPart: 'CHEST',
    viewPosition: 'PA',
    patientOrientation: ['L', 'F'],
    seriesDescription: 'Thorax pa',
    frames: 1,
    rows: 2,
    columns: 3,
    samples: 1,
    bitsAllocated: 16,
    bitsStored: 12,
    signed: false,
    photometric: 'MONOCHROME2',
  });
  expect(facts.transferSyntaxName).toMatch(/VR|RLE/);
});

it('prefers the laterality of the image, reads UTF-8 and says nothing for empty text', () => {
  const { facts } = parseDicom(
    sampleDicom({
      ...image,
      attributes: [
        attribute(0x00080005, 'CS', 'ISO_IR 192'),
        attribute(0x0008103e, 'LO', Buffer.from('Röntgen')),
        attribute(0x00180015, 'CS', '  '),
        attribute(0x00200060, 'CS', 'R'),
        attribute(0x00200062, 'CS', 'L'),
      ],
    }),
  );
  expect(facts).toMatchObject({ laterality: 'L', seriesDescription: 'Röntgen' });
  expect(facts).not.toHaveProperty('bodyPart');
});

describe('refusals', () => {
  it.each([
    ['no rows', { without: [0x00280010] }, 'HEADER_INVALID'],
    ['zero columns', { attributes: [attribute(0x00280011, 'US', 0)] }, 'HEADER_INVALID'],
    ['no photometric interpretation', { without: [0x00280004] }, 'HEADER_INVALID'],
    ['more bits stored than allocated', { bitsStored: 17 }, 'HEADER_INVALID'],
    ['frames that are no number', { attributes: [attribute(0x00280008, 'IS', 'many')] }, 'HEADER_INVALID'],
    ['half a frame', { attributes: [attribute(0x00280008, 'IS', '0.5')] }, 'HEADER_INVALID'],
    ['no pixels', { without: [0x7fe00010] }, 'NO_PIXEL_DATA'],
    [
      'float pixels',
      { without: [0x7fe00010], attributes: [attribute(0x7fe00008, 'OF', new Uint8Array(24))] },
      'UNSUPPORTED_PIXELS',
    ],
    ['1 bit', { attributes: [attribute(0x00280100, 'US', 1)] }, 'UNSUPPORTED_PIXELS'],
    ['four samples', { samples: 4 }, 'UNSUPPORTED_PIXELS'],
    ['a photometric interpretation of another number of samples', { photometric: 'RGB' }, 'UNSUPPORTED_PIXELS'],
    ['unsigned 32 bits', { bitsAllocated: 32, bitsStored: 32 }, 'UNSUPPORTED_PIXELS'],
  ] as const)('of %s', (_, change, code) => {
    expect(codeOf(() => parseDicom(sampleDicom({ ...image, ...change })))).toBe(code);
  });

  it('of every file that ends inside its header', () => {
    const file = sampleDicom(image);
    for (let length = 140; length < file.length - 24; length++) {
      expect(codeOf(() => parseDicom(file.subarray(0, length)))).toMatch(
        /^(?:TRUNCATED|NO_PIXEL_DATA|HEADER_INVALID)$/,
      );
    }
  });

  it('of a deflated data set that is a bomb', () => {
    const bomb = deflateRawSync(Buffer.alloc(90 * 2 ** 20));
    expect(codeOf(() => parseDicom(withMeta(bomb, SYNTAX_UIDS.deflated)))).toBe('IMAGE_TOO_LARGE');
    const damaged = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
    expect(codeOf(() => parseDicom(withMeta(damaged, SYNTAX_UIDS.deflated)))).toBe('DECODE_FAILED');
  });
});

describe('sequences', () => {
  const nested = (depth: number, undefinedLength: boolean): Attribute => ({
    tag: 0x00081111,
    vr: 'SQ',
    value: [depth === 1 ? [attribute(0x00280010, 'US', 999)] : [nested(depth - 1, undefinedLength)]],
    undefinedLength,
  });

  it.each(['implicit', 'explicit', 'big-endian'] as const)('are walked over without being read (%s)', (syntax) => {
    for (const undefinedLength of [true, false]) {
      const file = sampleDicom({ ...image, syntax, attributes: [nested(20, undefinedLength)] });
      expect(parseDicom(file).facts).toMatchObject({ rows: 2, columns: 3 });
    }
  });

  it('of VR UN hold implicit little endian', () => {
    const value = encoded([nested(3, true)], 'implicit').subarray(8);
    const file = sampleDicom({ ...image, attributes: [{ tag: 0x00091001, vr: 'UN', value, undefinedLength: true }] });
    expect(parseDicom(file).facts.rows).toBe(2);
  });

  it('nested without end are refused, not followed', () => {
    const open = [8, 0, 0x11, 0x11, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255];
    const body = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from(open)));
    expect(codeOf(() => parseDicom(withMeta(body, SYNTAX_UIDS.explicit)))).toBe('HEADER_INVALID');
  });

  it('of a million empty items cost no memory', () => {
    const items = new Uint8Array(8_000_000);
    for (let at = 0; at < items.length; at += 8) items.set([0xfe, 0xff, 0x00, 0xe0], at);
    const file = sampleDicom({ ...image, attributes: [attribute(0x00081111, 'SQ', items)] });
    const before = process.memoryUsage().heapUsed;
    expect(parseDicom(file).facts.rows).toBe(2);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 2 ** 20);
  });
});

it('takes no other file for DICOM', () => {
  const others = [
    new Uint8Array(0),
    new Uint8Array(4_096),
    Buffer.from('\x89PNG\r\n\x1a\n'.padEnd(300, 'x'), 'latin1'),
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...new Uint8Array(300)]),
    Buffer.from('{"format": "text"}'.repeat(30)),
    new Uint8Array(sampleDicom(image).subarray(1)),
  ];
  for (const other of others) {
    expect(isDicom(other)).toBe(false);
    expect(codeOf(() => parseDicom(other))).toBe('NOT_DICOM');
  }
  expect(isDicom(sampleDicom(image))).toBe(true);
  for (const syntax of ['implicit', 'explicit', 'big-endian'] as const) {
    expect(isDicom(sampleDicom({ ...image, syntax, meta: false }))).toBe(true);
  }
});
