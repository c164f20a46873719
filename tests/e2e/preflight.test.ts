/**
 * Claims: `data check` on a nested folder of DICOM, PNG, JPEG and TIFF names each file once, with the reason that belongs to
 * it, changes nothing in the folder and ends with 0; JSON has the documented keys only; patients' names never reach the
 * text output nor the report's markup unescaped; films of the demonstration all pass; `data decode` gives the digest of the
 * stored values, or a code and status 5. Oracle: the folder written here, and SHA-256 over values that the test wrote.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { demoHospitals, renderPhantom, writeHospitalFolder } from '@consilium/phantom';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomFile, type DicomText } from '../support/dicom-file.js';
import { runProgram } from '../support/programs.js';
import { film } from '../support/xray-folder.js';

interface Checked {
  readonly usable: number;
  readonly quarantined: number;
  readonly files: readonly { file: string; status: string; reason?: string; label?: string; patient?: string }[];
  readonly classes: Readonly<Record<string, number>>;
}

const CANARY = 'Kanarienvogel';
/** What a careless page would run, and a careless terminal obey. */
const HOSTILE = 'covid/<img src=x onerror=alert(1)>\u001b[31m.png';

let directory: string;
const path = (...names: string[]): string => join(directory, ...names);
const run = (...args: string[]): ReturnType<typeof runProgram> => runProgram('hospital', args, directory);

async function put(name: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path('mixed', name)), { recursive: true });
  await writeFile(path('mixed', name), bytes);
}

const greysOf = (seed: string): { values: Uint16Array; side: number } => {
  const [hospital] = demoHospitals(1, 'preflight');
  if (hospital === undefined) throw new Error('no hospital');
  const { pixels, widthPixels } = renderPhantom({ seed, label: 'normal', scanner: hospital.scanner });
  return { values: pixels.map((grey) => grey >> 4), side: widthPixels };
};

function dicomFilm(seed: string, texts: DicomText = {}): Uint8Array {
  const { values, side } = greysOf(seed);
  return dicomFile({ values, rows: side, columns: side, bitsStored: 12, texts });
}

/** File to reason; undefined for a usable one. */
const expected: Record<string, string | undefined> = {
  'covid/a.jpg': undefined,
  'covid/b.png': undefined,
  'covid/copy of a.jpg': 'DUPLICATE',
  'covid/smaller a.tiff': 'NEAR_DUPLICATE',
  'covid/mirrored b.png': 'NEAR_DUPLICATE',
  'covid/deep/down/c.dcm': undefined,
  'covid/ct.dcm': 'WRONG_MODALITY',
  'covid/hand.dcm': 'WRONG_BODY_PART',
  'covid/side.dcm': 'NOT_FRONTAL',
  'covid/turned.png': 'ROTATED',
  'covid/half.jpg': 'TRUNCATED',
  'covid/letter.png': 'NOT_AN_IMAGE',
  'covid/black.png': 'NEARLY_BLANK',
  'covid/shared.png': 'CONTRADICTORY_LABEL',
  'normal/shared.png': 'CONTRADICTORY_LABEL',
  'normal/d.jpg': undefined,
  'normal/away.jpg': 'OUTSIDE_FOLDER',
  'tb/e.jpg': 'UNKNOWN_LABEL',
  'nowhere.jpg': 'UNLABELLED',
  [HOSTILE]: undefined,
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-preflight-'));
  const [a, b, shared] = [await film('a', 'covid'), await film('b', 'covid'), await film('shared', 'covid')];
  const chest = { modality: 'DX', bodyPart: 'CHEST', viewPosition: 'PA', patientName: `${CANARY}^Vera` };
  await put('covid/a.jpg', a);
  await put('covid/copy of a.jpg', a);
  await put('covid/smaller a.tiff', await sharp(a).resize(240).tiff().toBuffer());
  await put('covid/b.png', await sharp(b).png().toBuffer());
  await put('covid/mirrored b.png', await sharp(b).flop().png().toBuffer());
  await put('covid/deep/down/c.dcm', dicomFilm('c', { ...chest, patientId: `${CANARY}-1` }));
  await put('covid/ct.dcm', dicomFilm('ct', { ...chest, modality: 'CT' }));
  await put('covid/hand.dcm', dicomFilm('hand', { ...chest, bodyPart: 'HAND' }));
  await put('covid/side.dcm', dicomFilm('side', { ...chest, viewPosition: 'LL' }));
  await put(
    'covid/turned.png',
    await sharp(await film('turned', 'normal'))
      .rotate(90)
      .png()
      .toBuffer(),
  );
  await put('covid/half.jpg', (await film('half', 'covid')).subarray(0, 6_000));
  await put('covid/letter.png', 'a letter to the ward');
  await put(
    'covid/black.png',
    await sharp({ create: { width: 300, height: 300, channels: 3, background: '#000' } })
      .png()
      .toBuffer(),
  );
  await put('covid/shared.png', await sharp(shared).png().toBuffer());
  await put('normal/shared.png', await sharp(shared).resize(260).png().toBuffer());
  await put('normal/d.jpg', await film('d', 'normal'));
  await put('tb/e.jpg', await film('e', 'normal'));
  await put('nowhere.jpg', await film('nowhere', 'normal'));
  await put(
    HOSTILE,
    await sharp(await film('hostile', 'covid'))
      .png()
      .toBuffer(),
  );
  await writeFile(path('elsewhere.jpg'), await film('elsewhere', 'normal'));
  await symlink(path('elsewhere.jpg'), path('mixed', 'normal', 'away.jpg'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const checkMixed = (...options: string[]): ReturnType<typeof runProgram> =>
  run('data', 'check', 'mixed', '--study-labels', 'covid,normal', ...options);

describe('data check', () => {
  it('names each file once with its reason, as JSON', async () => {
    const before = await readdir(path('mixed'), { recursive: true });
    const { status, stdout, stderr } = await checkMixed('--format', 'json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as Checked;
    expect(Object.keys(result).sort()).toEqual(['classes', 'files', 'quarantined', 'usable']);
    expect(Object.fromEntries(result.files.map(({ file, reason }) => [file, reason]))).toEqual(expected);
    expect(result.files).toHaveLength(Object.keys(expected).length);
    const usable = Object.values(expected).filter((reason) => reason === undefined).length;
    expect(result).toMatchObject({
      usable,
      quarantined: result.files.length - usable,
      classes: { covid: 4, normal: 1 },
    });
    expect(result.files.find(({ file }) => file === 'covid/deep/down/c.dcm')?.patient).toBe(`${CANARY}-1`);
    expect(await readdir(path('mixed'), { recursive: true })).toEqual(before);
  });

  it('shows no patient and steers no terminal as text', async () => {
    const { status, stdout } = await checkMixed();
    expect(status).toBe(0);
    expect(stdout).toContain('usable 5, quarantined 15');
    for (const reason of new Set(Object.values(expected))) if (reason !== undefined) expect(stdout).toContain(reason);
    expect(stdout).not.toContain(CANARY);
    expect(stdout).not.toContain('\u001b');
  });

  it('writes a page that only its owner may read, that asks nothing of the network and runs nothing', async () => {
    // The wrong mode of an earlier file does not survive.
    await writeFile(path('report.html'), 'old', { mode: 0o644 });
    expect((await checkMixed('--report', 'report.html')).status).toBe(0);
    const html = await readFile(path('report.html'), 'utf8');
    if (process.platform !== 'win32') expect((await stat(path('report.html'))).mode & 0o777).toBe(0o600);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script|<link|<iframe|<img src=x|https?:|url\(/i);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html.match(/src="data:image\/jpeg;base64,/g)?.length).toBeGreaterThanOrEqual(14);
    expect(html).not.toContain(CANARY);
    expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('takes labels, patients and splits from a table, by file, instance or examination', async () => {
    const chest = { modality: 'DX', bodyPart: 'CHEST', viewPosition: 'PA' };
    await mkdir(path('archive'));
    await writeFile(path('archive', '1.dcm'), dicomFilm('t1', { ...chest, sopInstanceUid: '1.2.3.1' }));
    await writeFile(path('archive', '2.dcm'), dicomFilm('t2', { ...chest, accessionNumber: 'A-2' }));
    await writeFile(path('archive', '3.jpg'), await film('t3', 'normal'));
    const rows = [
      'file,SOPInstanceUID,AccessionNumber,label,patient,split',
      ',1.2.3.1,,covid,p,test',
      ',,A-2,covid,p,train',
      '3.jpg,,,normal,q,',
    ];
    await writeFile(path('table.csv'), `${rows.join('\n')}\n`);
    const { stdout, stderr } = await run('data', 'check', 'archive', '--labels', 'table.csv', '--format', 'json');
    expect(stderr).toBe('');
    expect((JSON.parse(stdout) as Checked).files).toEqual([
      { file: '1.dcm', status: 'usable', label: 'covid', patient: 'p' },
      { file: '2.dcm', status: 'quarantined', reason: 'PATIENT_IN_TRAIN_AND_TEST', label: 'covid', patient: 'p' },
      { file: '3.jpg', status: 'usable', label: 'normal', patient: 'q' },
    ]);
  });

  it('quarantines no film of the demonstration', async () => {
    for (const hospital of demoHospitals(6, 'preflight')) {
      await writeHospitalFolder({ directory: path('demo', hospital.site), hospital, images: 12, seed: 'preflight' });
      const { stdout } = await run('data', 'check', join('demo', hospital.site), '--format', 'json');
      const { usable, files } = JSON.parse(stdout) as Checked;
      expect(files.filter(({ status }) => status !== 'usable')).toEqual([]);
      expect(usable).toBe(12);
    }
  });

  it('ends with 5 for a folder that does not exist, and with 2 for a bad option', async () => {
    const missing = await run('data', 'check', 'no-such-folder');
    expect(missing.status).toBe(5);
    expect(missing.stderr).toMatch(/^[A-Z_]+: /);
    expect((await run('data', 'check', 'mixed', '--study-labels', 'a,,b')).status).toBe(2);
    expect((await run('data', 'check', 'mixed', '--test-share', '2')).status).toBe(2);
  });
});

/** SHA-256 over little-endian int32, by node:crypto. */
function digestOf(values: ArrayLike<number>): string {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (let k = 0; k < values.length; k++) view.setInt32(4 * k, values[k] as number, true);
  return createHash('sha256').update(new Uint8Array(view.buffer)).digest('hex');
}

describe('data decode', () => {
  const decode = async (name: string): Promise<unknown> =>
    JSON.parse((await run('data', 'decode', name, '--format', 'json')).stdout);

  it('gives the digest of the stored values of a DICOM file', async () => {
    const { values, side } = greysOf('c');
    expect(await decode('mixed/covid/deep/down/c.dcm')).toEqual({
      rows: side,
      columns: side,
      bits: 12,
      photometric: 'MONOCHROME2',
      transferSyntax: '1.2.840.10008.1.2.1',
      sha256: digestOf(values),
    });
  });

  it('gives the digest of the samples of grey and colour PNG files, of 8 and 16 bits', async () => {
    const grey = Uint16Array.from({ length: 30 * 20 }, (_, k) => (k * 977) % 65_536);
    const colour = Uint8Array.from({ length: 30 * 20 * 3 }, (_, k) => (k * 31) % 256);
    const png16 = sharp(grey, { raw: { width: 30, height: 20, channels: 1 } }).toColourspace('grey16');
    await writeFile(path('grey.png'), await png16.png().toBuffer());
    await writeFile(
      path('colour.png'),
      await sharp(colour, { raw: { width: 30, height: 20, channels: 3 } })
        .png()
        .toBuffer(),
    );
    const size = { rows: 20, columns: 30, transferSyntax: null };
    expect(await decode('grey.png')).toEqual({ ...size, bits: 16, photometric: 'MONOCHROME2', sha256: digestOf(grey) });
    expect(await decode('colour.png')).toEqual({ ...size, bits: 8, photometric: 'RGB', sha256: digestOf(colour) });
  });

  it.each([
    ['mixed/covid/letter.png', 'NOT_AN_IMAGE'],
    ['mixed/covid/half.jpg', 'TRUNCATED'],
    ['none.dcm', 'FILE_MISSING'],
  ])('%s: %s, status 5', async (name, code) => {
    const { status, stderr, stdout } = await run('data', 'decode', name, '--format', 'json');
    expect(stderr).toMatch(new RegExp(`^${code}: `));
    expect(stdout).toBe('');
    expect(status).toBe(5);
  });
});
