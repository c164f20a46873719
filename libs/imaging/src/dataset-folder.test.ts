/**
 * Claims: (1) a manifest, a label table by file, by instance or by examination, and a folder for each class give the same
 * kind of rows; (2) an image that nobody labelled stays, without label; (3) the patient is the table's, else the header's,
 * else the file; (4) nothing outside the folder is found or opened, whatever names and UIDs say; side files are no images;
 * (5) a table that cannot be used is refused with code and line, without a cell. Oracle: folders written by hand.
 */
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Dataset, readDataset } from './dataset-folder.js';
import { sampleDicom } from './dicom-sample.js';
import { ImagingError } from './errors.js';
import { listFiles } from './file-list.js';
import { readImageFile } from './image-file.js';

let base: string;
let folder: string;
let count = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dataset-'));
});
beforeEach(async () => {
  folder = join(base, `case-${(count += 1)}`);
  await mkdir(folder);
});
afterAll(() => rm(base, { recursive: true }));

async function write(name: string, contents: string | Uint8Array = 'x'): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), contents);
}

const dicom = (instance: string, accession: string, patient: string): Buffer =>
  sampleDicom({
    width: 4,
    height: 4,
    values: new Uint16Array(16),
    attributes: { 0x00080018: ['UI', instance], 0x00080050: ['SH', accession], 0x00100020: ['LO', patient] },
  });

/** [image, label, patient] */
const brief = ({ rows }: Dataset): unknown[] => rows.map(({ image, label, patient }) => [image, label, patient]);

async function refusal(reading: Promise<unknown>): Promise<ImagingError> {
  const error: unknown = await reading.catch((reason: unknown) => reason);
  if (error instanceof ImagingError) return error;
  throw new Error('it was not refused with an ImagingError', { cause: error });
}

describe('a folder with a manifest', () => {
  it('has its rows in its order, patients of headers where it names none, and images that it forgot', async () => {
    await write('manifest.csv', 'image,label,site\nb.png,normal,north\nsub/a.dcm,covid,north\nlost.png,covid,north\n');
    await write('b.png');
    await write('sub/a.dcm', dicom('1.2', 'A1', 'P-7'));
    await write('forgotten.JPG');
    await write('cache/0f3c');
    const dataset = await readDataset(folder);
    expect(dataset.source).toBe('manifest');
    expect(brief(dataset)).toEqual([
      ['b.png', 'normal', 'b.png'],
      ['sub/a.dcm', 'covid', 'P-7'],
      ['lost.png', 'covid', 'lost.png'],
      ['forgotten.JPG', undefined, 'forgotten.JPG'],
    ]);
  });

  it('serves one hospital without a column for the site, also with the column name of public collections', async () => {
    await write('a.png');
    await write('manifest.csv', 'image,finding,kind\na.png,COVID-19,x\n');
    const dataset = await readDataset(folder);
    expect(brief(dataset)).toEqual([['a.png', 'COVID-19', 'a.png']]);
    expect(dataset.source).toBe('labels');
    await write('manifest.csv', 'image,kind\na.png,x\n');
    expect((await refusal(readDataset(folder))).message).toContain('manifest.csv has no column "label"');
    await write('manifest.csv', 'image,label\na.png,normal,surplus\n');
    expect((await refusal(readDataset(folder))).code).toBe('MANIFEST_INVALID');
  });

  it('keeps the patients of the manifest', async () => {
    await write('manifest.csv', 'image,label,site,patient\na.dcm,covid,north,Q\n');
    await write('a.dcm', dicom('1.2', 'A1', 'P-7'));
    expect(brief(await readDataset(folder))).toEqual([['a.dcm', 'covid', 'Q']]);
  });
});

describe('a folder with a label table', () => {
  it('matches files, nested and of any format, and keeps those that it does not name', async () => {
    await write(
      'labels.csv',
      'Image,Label,Patient,Split,Site\nin/a.png,normal,P1,test,north\n.\\b.tif,,P2,,\nc.jpg,covid,P3,,\n',
    );
    for (const name of ['in/a.png', 'b.tif', 'd.jpg']) await write(name);
    const dataset = await readDataset(folder);
    expect(dataset).toEqual({
      source: 'labels',
      rows: [
        { image: 'b.tif', patient: 'P2', line: 3 },
        { image: 'd.jpg', patient: 'd.jpg' },
        { image: 'in/a.png', label: 'normal', patient: 'P1', split: 'test', site: 'north', line: 2 },
        { image: 'c.jpg', label: 'covid', patient: 'P3', line: 4 },
      ],
      unmatchedLines: [],
    });
  });

  it('matches instances, and reads a header that is longer than its first look', async () => {
    await write('labels.csv', 'SOP Instance UID,label\n1.2.3,normal\n1.2.4,covid\n1.2.99,covid\n');
    const long = {
      0x00080018: ['UI', '1.2.4'],
      0x00100010: ['PN', 'x'.repeat(60_000)],
      0x00104000: ['LT', 'y'.repeat(60_000)],
    } as const;
    await write('IM0', dicom('1.2.3', '', ''));
    await write('IM1', sampleDicom({ width: 4, height: 4, values: new Uint16Array(16), attributes: long }));
    await write('IM2', dicom('1.2.5', '', 'P-5'));
    const dataset = await readDataset(folder);
    expect(brief(dataset)).toEqual([
      ['IM0', 'normal', 'IM0'],
      ['IM1', 'covid', 'IM1'],
      ['IM2', undefined, 'P-5'],
    ]);
    expect(dataset.unmatchedLines).toEqual([4]);
  });

  it('matches all images of an examination, wherever the table lies', async () => {
    const labels = join(base, 'from-the-pacs.csv');
    await writeFile(labels, 'AccessionNumber,label\nACC-1,pneumonia\n');
    for (const [k, accession] of ['ACC-1', 'ACC-1', 'ACC-2'].entries()) {
      await write(`${k}.dcm`, dicom(`1.${k}`, accession, `P-${accession}`));
    }
    expect(brief(await readDataset(folder, { labels }))).toEqual([
      ['0.dcm', 'pneumonia', 'P-ACC-1'],
      ['1.dcm', 'pneumonia', 'P-ACC-1'],
      ['2.dcm', undefined, 'P-ACC-2'],
    ]);
  });

  it.each([
    ['no label', 'file,class\na,b\n', 'MANIFEST_COLUMN_MISSING', 1],
    ['no key', 'label,patient\na,b\n', 'MANIFEST_COLUMN_MISSING', 1],
    ['nothing', '', 'MANIFEST_COLUMN_MISSING', 1],
    ['two names for the file', 'file,image,label\na,b,c\n', 'MANIFEST_INVALID', 1],
    ['a row without a key', 'file,label\nx,a\n,Secret\n', 'MANIFEST_INVALID', 3],
    ['one file twice', 'file,label\nSecret,a\n./Secret,b\n', 'MANIFEST_INVALID', 3],
    ['one examination twice', 'accession_number,label\nSecret,a\nSecret,b\n', 'MANIFEST_INVALID', 3],
    ['an empty patient', 'file,label,patient\nSecret,a,\n', 'MANIFEST_INVALID', 2],
    ['an unknown split', 'file,label,split\nSecret,a,Secret\n', 'MANIFEST_INVALID', 2],
  ])('is refused with %s', async (_, text, code, line) => {
    await write('labels.csv', text);
    const error = await refusal(readDataset(folder));
    expect([error.code, error.line]).toEqual([code, line]);
    expect(error.message).not.toContain('Secret');
  });

  it('is refused where it is missing', async () => {
    expect((await refusal(readDataset(folder, { labels: join(base, 'none.csv') }))).code).toBe('MANIFEST_MISSING');
  });
});

describe('a folder with a folder for each class', () => {
  it('takes the first folder as label', async () => {
    for (const name of ['normal/a.png', 'normal/2020/b.jpg', 'loose.png']) await write(name);
    await write('covid/c', dicom('1.2', '', 'P-1'));
    const dataset = await readDataset(folder);
    expect(dataset.source).toBe('folders');
    expect(brief(dataset)).toEqual([
      ['covid/c', 'covid', 'P-1'],
      ['loose.png', undefined, 'loose.png'],
      ['normal/2020/b.jpg', 'normal', 'normal/2020/b.jpg'],
      ['normal/a.png', 'normal', 'normal/a.png'],
    ]);
  });

  it('is refused where there is neither table nor folder', async () => {
    await write('a.png');
    const error = await refusal(readDataset(folder));
    expect([error.code, error.message]).toEqual(['MANIFEST_MISSING', expect.stringContaining('no manifest.csv')]);
  });
});

describe('what leads outside', () => {
  it('is not found and not read, whether a name, a UID or a link says so', async () => {
    await writeFile(join(base, 'secret.dcm'), dicom('1.9', 'A9', 'P-9'));
    await symlink(join(base, 'secret.dcm'), join(folder, 'link.dcm'));
    await symlink(base, join(folder, 'up'));
    await write('in/a.dcm', dicom('../../secret.dcm', '/etc/passwd', '../x'));
    await symlink(join(folder, 'in'), join(folder, 'again'));
    await write(
      'labels.csv',
      'file,sopinstanceuid,label\n../secret.dcm,,covid\n,../../secret.dcm,normal\n/etc/passwd,,covid\n',
    );
    const { rows } = await readDataset(folder);
    expect(rows.map(({ image, label }) => [image, label])).toEqual([
      ['in/a.dcm', 'normal'],
      ['link.dcm', undefined],
      ['up', undefined],
      ['../secret.dcm', 'covid'],
      ['/etc/passwd', 'covid'],
    ]);
    expect(rows.map(({ patient }) => patient)).not.toContain('P-9');
    for (const { image } of rows.slice(1)) {
      expect((await refusal(readImageFile(folder, image))).code).toBe('OUTSIDE_FOLDER');
    }
  });
});

describe('listFiles', () => {
  it('leaves out hidden entries and side files, and is sorted by code units', async () => {
    const images = ['B.png', 'a b.dcm', 'a/IM1', 'archive.zip', 'é.png'];
    const others = ['.DS_Store', '.git/x', 'DICOMDIR', 'a/README', 'notes.TXT', 'x/labels.csv', 'report.json'];
    for (const name of [...images, ...others]) await write(name);
    expect(await listFiles(folder)).toEqual(images);
  });

  it('stops at its bound, and says so where the folder cannot be read', async () => {
    for (const name of ['a', 'b', 'c/d']) await write(name);
    expect((await refusal(listFiles(folder, 3))).code).toBe('TOO_MANY_FILES');
    expect(await listFiles(folder, 4)).toHaveLength(3);
    expect((await refusal(listFiles(join(folder, 'none')))).code).toBe('FILE_UNREADABLE');
  });

  it('lists a file of 2 GB, whose header is read without the rest, and which is refused before reading', async () => {
    await write('normal/huge.dcm', dicom('1.2', '', 'P-1'));
    await truncate(join(folder, 'normal', 'huge.dcm'), 2 * 1024 ** 3);
    expect(brief(await readDataset(folder))).toEqual([['normal/huge.dcm', 'normal', 'P-1']]);
    expect((await refusal(readImageFile(folder, 'normal/huge.dcm'))).code).toBe('FILE_TOO_LARGE');
  });
});
