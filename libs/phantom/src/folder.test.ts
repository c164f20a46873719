/**
 * Claims: (1) the folder holds the stated number of images and a manifest that names each once; (2) class counts are
 * within 1 of the shares; (3) a patient has one or two images of one label; (4) names tell nothing about the label;
 * (5) the same request writes the same bytes; (6) a folder that holds something is refused and left alone; (7) progress
 * counts every file. Oracle: a comma split of the manifest and the folder's listing.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PhantomError } from './errors.js';
import { writeHospitalFolder } from './folder.js';
import { type DemoHospital, demoHospitals } from './hospitals.js';

const hospitals = demoHospitals(3, 'x').map((h) => ({ ...h, scanner: { ...h.scanner, sizePixels: 96 } }));
const [a, b] = hospitals as [DemoHospital, DemoHospital];
const images = 25;
const progress: number[] = [];
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'phantom-'));
  await writeHospitalFolder({
    directory: join(root, 'a'),
    hospital: a,
    images,
    seed: 's',
    onProgress: (written) => progress.push(written),
  });
});
afterAll(() => rm(root, { recursive: true }));

async function rows(): Promise<string[][]> {
  const text = await readFile(join(root, 'a', 'manifest.csv'), 'utf8');
  expect(text).not.toContain('\r');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}

it('names every image once', async () => {
  const [header, ...lines] = await rows();
  expect(header).toEqual(['image', 'label', 'patient', 'site']);
  expect(lines).toHaveLength(images);
  const files = (await readdir(join(root, 'a'))).filter((name) => name !== 'manifest.csv');
  expect(lines.map(([image]) => image).sort()).toEqual(files.sort());
  expect(new Set(lines.map(([, , , site]) => site))).toEqual(new Set(['hospital-a']));
  expect(progress).toEqual(Array.from({ length: images }, (_, i) => i + 1));
});

it('keeps the class shares', async () => {
  const [, ...lines] = await rows();
  for (const [label, share] of Object.entries(a.classShares)) {
    const count = lines.filter((line) => line[1] === label).length;
    expect(Math.abs(count - share * images)).toBeLessThan(1);
  }
});

it('gives each patient one label and one or two images', async () => {
  const [, ...lines] = await rows();
  const patients = new Map<string, string[][]>();
  for (const line of lines) patients.set(line[2] ?? '', [...(patients.get(line[2] ?? '') ?? []), line]);
  for (const [patient, films] of patients) {
    expect(patient).toMatch(/^A-\d{4}$/);
    expect(films.length).toBeLessThanOrEqual(2);
    expect(new Set(films.map((line) => line[1])).size).toBe(1);
  }
  expect(patients.size).toBeLessThan(images);
});

it('names files neutrally and mixes the labels', async () => {
  const [, ...lines] = await rows();
  for (const [image] of lines) expect(image).toMatch(/^image-\d{5}\.png$/);
  const firstThird = new Set(lines.slice(0, 9).map((line) => line[1]));
  expect(firstThird.size).toBeGreaterThan(1);
});

it('writes the same bytes again, and other ones for another seed', async () => {
  const write = async (name: string, seed: string): Promise<Buffer[]> => {
    const directory = join(root, name);
    await writeHospitalFolder({ directory, hospital: b, images: 3, seed });
    const files = await readdir(directory);
    return Promise.all(files.sort().map((file) => readFile(join(directory, file))));
  };
  const once = await write('b1', 's');
  expect(await write('b2', 's')).toEqual(once);
  expect(await write('b3', 't')).not.toEqual(once);
});

it('refuses a folder that holds something', async () => {
  const directory = join(root, 'used');
  await mkdir(directory);
  await writeFile(join(directory, 'patient.dcm'), 'x');
  const attempt = writeHospitalFolder({ directory, hospital: a, images: 1, seed: 's' });
  await expect(attempt).rejects.toThrow(PhantomError);
  await expect(attempt).rejects.toMatchObject({ code: 'DIRECTORY_NOT_EMPTY' });
  expect(await readdir(directory)).toEqual(['patient.dcm']);
});

it.each([0, 1.5, 10_000])('refuses %d images before it makes the folder', async (count) => {
  const directory = join(root, `count-${count}`);
  await expect(writeHospitalFolder({ directory, hospital: a, images: count, seed: 's' })).rejects.toThrow(RangeError);
  expect(await readdir(root)).not.toContain(`count-${count}`);
});

it('refuses class shares that do not add up to 1', async () => {
  const hospital = { ...a, classShares: { normal: 0.5, pneumonia: 0.5, covid: 0.5 } };
  const attempt = writeHospitalFolder({ directory: join(root, 'shares'), hospital, images: 1, seed: 's' });
  await expect(attempt).rejects.toThrow(RangeError);
});
