/** One hospital's image folder, as a hospital would hand it to the product: files and a label table. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '@consilium/tensors';
import { encodePhantom } from './encode.js';
import { PhantomError } from './errors.js';
import { type PhantomLabel, phantomLabels } from './findings.js';
import type { DemoHospital } from './hospitals.js';
import { drawPatient } from './patient.js';
import { exposePatient } from './phantom.js';

export interface HospitalFolderRequest {
  /** Made if it is missing; must be empty. */
  readonly directory: string;
  readonly hospital: DemoHospital;
  /** Number of image files, 1 .. 9999. */
  readonly images: number;
  readonly seed: string;
  /** Called after each file. */
  readonly onProgress?: (written: number, images: number) => void;
}

/** One line of `manifest.csv`; a patient id is unique within its site. */
interface ManifestRow {
  readonly image: string;
  readonly label: PhantomLabel;
  readonly patient: string;
  readonly site: string;
}

interface Admission {
  readonly label: PhantomLabel;
  readonly images: number;
}

/**
 * Writes `images` files and `manifest.csv` (image,label,patient,site; RFC 4180 with LF). A patient has one or two
 * images, always of one label. Names tell nothing about the label. The same request writes the same pixels, so several
 * processes may each write another hospital of one demonstration.
 *
 * @throws {@link PhantomError} `DIRECTORY_NOT_EMPTY`; nothing is touched then.
 * @throws RangeError for a number of images that is out of range, or class shares that do not add up to 1.
 */
export async function writeHospitalFolder(request: HospitalFolderRequest): Promise<void> {
  const { directory, hospital, images, seed, onProgress } = request;
  if (!Number.isInteger(images) || images < 1 || images > 9999) throw new RangeError('images must be in 1 .. 9999');
  const shares = phantomLabels.reduce((sum, label) => sum + hospital.classShares[label], 0);
  if (Math.abs(shares - 1) > 1e-9) throw new RangeError('class shares must add up to 1');
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new PhantomError('DIRECTORY_NOT_EMPTY', `${directory} is not empty: choose another folder for the images`);
  }
  const rows: ManifestRow[] = [];
  let pending: Promise<void> = Promise.resolve();
  for (const [index, { label, images: films }] of admissions(request).entries()) {
    const patient = `${hospital.site.slice(-1).toUpperCase()}-${String(index + 1).padStart(4, '0')}`;
    const patientSeed = `${seed}/${hospital.site}/${patient}`;
    const drawn = drawPatient(patientSeed, label);
    for (let film = 0; film < films; film++) {
      const image = exposePatient(drawn, hospital.scanner, `${patientSeed}/exposure ${film}`);
      const number = rows.length + 1;
      const name = `image-${String(number).padStart(5, '0')}.${hospital.scanner.format === 'jpeg' ? 'jpg' : 'png'}`;
      rows.push({ image: name, label, patient, site: hospital.site });
      // One file is encoded, on sharp's own threads, while the next one is rendered here.
      await pending;
      pending = encodePhantom(image, hospital.scanner.format).then(async (file) => {
        await writeFile(join(directory, name), file);
        onProgress?.(number, images);
      });
    }
  }
  await pending;
  // The table comes last and in one step: a folder without it is one that was not finished.
  const draft = join(directory, 'manifest.csv.part');
  await writeFile(draft, manifest(rows));
  await rename(draft, join(directory, 'manifest.csv'));
}

/** Patients in the order of their admission, their images adding up to the class shares as closely as counts can. */
function admissions({ hospital, images, seed }: HospitalFolderRequest): Admission[] {
  const random = new SeededRandom(`${seed}/${hospital.site}/admissions`);
  const counts = apportion(phantomLabels.map((label) => hospital.classShares[label] * images));
  const patients: Admission[] = [];
  for (const [i, label] of phantomLabels.entries()) {
    for (let left = counts[i] as number; left > 0;) {
      const films = left > 1 && random.uniform() < 0.4 ? 2 : 1;
      patients.push({ label, images: films });
      left -= films;
    }
  }
  return random.shuffle(patients);
}

/** Largest remainders: whole numbers with the sum of the quotas, none further than 1 from its quota. */
function apportion(quotas: readonly number[]): number[] {
  const total = Math.round(quotas.reduce((sum, quota) => sum + quota, 0));
  const counts = quotas.map((quota) => Math.floor(quota));
  const byRemainder = quotas.map((quota, i) => ({ i, remainder: quota - Math.floor(quota) }));
  byRemainder.sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  const missing = total - counts.reduce((sum, count) => sum + count, 0);
  for (const { i } of byRemainder.slice(0, missing)) counts[i] = (counts[i] as number) + 1;
  return counts;
}

function manifest(rows: readonly ManifestRow[]): string {
  const lines = rows.map(({ image, label, patient, site }) => [image, label, patient, site].map(field).join(','));
  return ['image,label,patient,site', ...lines, ''].join('\n');
}

function field(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
