/** Folders of synthetic X-rays with the manifests that people really hand over. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoHospitals, encodePhantom, renderPhantom, type PhantomLabel } from '@consilium/phantom';

const [HOSPITAL] = demoHospitals(1, 'xray-folder');

/** One film as a JPEG file. The seed decides the patient, `exposureIndex` which of the patient's films it is. */
export async function film(seed: string, label: PhantomLabel, exposureIndex = 0): Promise<Buffer> {
  if (HOSPITAL === undefined) throw new Error('no hospital');
  return encodePhantom(renderPhantom({ seed, label, scanner: HOSPITAL.scanner, exposureIndex }), 'jpeg');
}

export interface FolderRow {
  readonly image: string;
  readonly label: string;
  readonly site: string;
  readonly patient?: string;
  readonly split?: string;
}

/** A clean folder: `perSite` films of each site, labels taken in turn, one patient for each film. */
export async function writeCleanFolder(folder: string, sites: readonly string[], perSite: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const labels = ['normal', 'pneumonia', 'covid'] as const;
  const lines = ['image,label,site'];
  for (const site of sites) {
    for (let k = 0; k < perSite; k++) {
      const label = labels[k % labels.length] as PhantomLabel;
      const image = `${site}-${k}.jpg`;
      await writeFile(join(folder, image), await film(image, label));
      lines.push(`${image},${label},${site}`);
    }
  }
  await writeFile(join(folder, 'manifest.csv'), `${lines.join('\n')}\n`);
}

export interface MessyFolder {
  /** Rows and what each hospital must make of them, by the name that the demonstration gives the site. */
  readonly expected: Readonly<
    Record<string, { readonly rows: number; readonly quarantined: Readonly<Record<string, number>> }>
  >;
  /** At this hospital each patient has so many films, and no split is given. */
  readonly grouped: { readonly hospital: string; readonly filmsPerPatient: number };
  /** This one has a single class. */
  readonly oneClass: string;
}

/**
 * A spreadsheet's export: byte order mark, CRLF, quoted cells with commas, columns that nobody asked for; one site with
 * its own split and one patient on both sides of it; a file that is missing, one that is text, one that is cut off.
 */
export async function writeMessyFolder(folder: string): Promise<MessyFolder> {
  await mkdir(join(folder, 'films, scanned'), { recursive: true });
  const rows: FolderRow[] = [];
  const add = async (row: FolderRow, label: PhantomLabel, content?: (bytes: Buffer) => Buffer | string | undefined) => {
    // The same film twice would be a duplicate.
    const exposure = rows.filter(({ site, patient }) => site === row.site && patient === row.patient).length;
    const bytes = await film(`${row.site}/${row.patient ?? row.image}`, label, exposure);
    const written = content === undefined ? bytes : content(bytes);
    if (written !== undefined) await writeFile(join(folder, row.image), written);
    rows.push(row);
  };
  for (let k = 0; k < 12; k++) {
    const label = k % 4 < 2 ? 'normal' : 'covid';
    const patient = `North-${Math.floor(k / 2)}`;
    await add({ image: `films, scanned/${k}, frontal.jpg`, label, site: 'Clinic North, old', patient }, label);
  }
  for (let k = 0; k < 6; k++) {
    const label = k % 2 === 0 ? 'normal' : 'covid';
    const split = k < 4 ? 'train' : 'test';
    await add({ image: `east-${k}.jpg`, label, site: 'East', patient: `E-${k}`, split }, label);
  }
  const east = { label: 'covid', site: 'East', split: 'train' } as const;
  // E-5 is a test patient already: its film for training must not be learned from.
  await add({ ...east, image: 'east-again.jpg', patient: 'E-5' }, 'covid');
  await add({ ...east, image: 'east-lost.jpg', patient: 'E-6' }, 'covid', () => undefined);
  await add({ ...east, image: 'east-text.png', patient: 'E-7' }, 'covid', () => 'a letter to the ward\n');
  await add({ ...east, image: 'east-cut.jpg', patient: 'E-8' }, 'covid', (b) => b.subarray(0, b.length >> 1));
  for (let k = 0; k < 6; k++) {
    await add({ image: `south-${k}.jpg`, label: 'covid', site: 'South', patient: `S-${k}` }, 'covid');
  }
  const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map(({ image, label, site, patient = '', split = '' }) =>
    ['2020, spring', image, label, site, patient, 'PA', split].map(quoted).join(','),
  );
  const header = '"taken, when",image,label,site,patient,view,split';
  await writeFile(join(folder, 'manifest.csv'), `\uFEFF${[header, ...lines].join('\r\n')}\r\n`);
  return {
    expected: {
      'clinic-north-old': { rows: 12, quarantined: {} },
      east: {
        rows: 10,
        quarantined: { FILE_MISSING: 1, NOT_AN_IMAGE: 1, TRUNCATED: 1, PATIENT_IN_TRAIN_AND_TEST: 1 },
      },
      south: { rows: 6, quarantined: {} },
    },
    grouped: { hospital: 'clinic-north-old', filmsPerPatient: 2 },
    oneClass: 'south',
  };
}
