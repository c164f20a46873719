/**
 * Claims: the example of the README is the code below, and it runs. Oracle: the files that it says it writes.
 */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { demoHospitals, encodePhantom, renderPhantom, writeHospitalFolder } from './index.js';

async function example(directory: string): Promise<void> {
  // README
  const [hospital] = demoHospitals(3, 'example');
  if (hospital === undefined) throw new Error('no hospital');
  const image = renderPhantom({ seed: 'patient 7', label: 'covid', scanner: hospital.scanner });
  await writeFile(join(directory, 'film.png'), await encodePhantom(image, 'png16'));
  await writeHospitalFolder({ directory: join(directory, hospital.site), hospital, images: 4, seed: 'example' });
  // end
}

it('runs the example of the README', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'phantom-'));
  try {
    await example(directory);
    expect(await readdir(directory)).toEqual(['film.png', 'hospital-a']);
    expect(await readdir(join(directory, 'hospital-a'))).toHaveLength(5);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('prints the same example in the README', async () => {
  const source = await readFile(import.meta.filename, 'utf8');
  const body = /\/\/ README\n(.*?) *\/\/ end/s.exec(source)?.[1] ?? 'no example';
  const readme = await readFile(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  expect(readme).toContain(body.replaceAll(/^ {2}/gm, ''));
});
