/** Which hospitals there are and where their images lie: drawn here, or found in a folder. */
import { availableParallelism } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { demoHospitals } from '@consilium/phantom';
import { z } from 'zod';
import { DemoError } from './errors.js';
import type { DemoOptions } from './options.js';
import { command, launch } from './processes.js';

export interface Site {
  /** Name of the hospital, as the protocol allows it. */
  readonly id: string;
  readonly folder: string;
  /** The rows of the manifest that are its own; all of them for a synthetic folder. */
  readonly site: string | undefined;
}

export interface Sites {
  readonly sites: readonly Site[];
  readonly labels: readonly string[];
  /** Resolves when the images are there. */
  readonly ready: Promise<void>;
}

const SYNTHETIC_LABELS = ['normal', 'pneumonia', 'covid'];

/** Starts to draw the images of hospitals that do not exist. @param onDrawn - called with each that is done. */
export function drawSites(
  { out, seed, images = 160, hospitals = 3 }: DemoOptions,
  onDrawn: (hospital: string) => void,
): Sites {
  const folder = join(out, 'images');
  const sites = demoHospitals(hospitals, seed).map(({ site }) => ({
    id: site,
    folder: join(folder, site),
    site: undefined,
  }));
  const workers = Math.min(hospitals, availableParallelism());
  const drawn = Array.from({ length: workers }, async (_, first) => {
    const args = [folder, seed, String(images), String(hospitals), String(first), String(workers)];
    const { status, complaint } = await launch('render', args, (step) => {
      onDrawn(drawnSchema.parse(step).hospital);
    }).exit;
    if (status !== 0) throw new DemoError('SETUP_FAILED', `drawing the images failed: ${complaint}`);
  });
  return { sites, labels: SYNTHETIC_LABELS, ready: Promise.all(drawn).then(() => undefined) };
}

const drawnSchema = z.object({ event: z.literal('drawn'), hospital: z.string() });

const siteListSchema = z.object({
  sites: z.array(z.object({ site: z.string(), images: z.number() })),
  labels: z.array(z.string()),
});

/** Finds the hospitals in a folder, before anything is written. @throws {@link DemoError} naming the folder. */
export async function readSites(folder: string, { hospitals, out }: DemoOptions): Promise<Sites> {
  const way = relative(out, folder);
  if (!way.startsWith('..') && !isAbsolute(way)) {
    throw new DemoError('BAD_OPTION', `--data ${folder} lies in the folder of --out, which is cleared at the start`);
  }
  const list = await listSites(folder);
  if (list.sites.length === 0)
    throw new DemoError(
      'DATA_UNUSABLE',
      `${folder} lists no image of a hospital: its manifest.csv needs the columns image, label and "site"`,
    );
  if (list.labels.length < 2)
    throw new DemoError(
      'DATA_UNUSABLE',
      `the manifest of ${folder} has one label only: there is nothing to tell apart`,
    );
  const wanted = hospitals ?? list.sites.length;
  if (wanted > list.sites.length) {
    throw new DemoError(
      'BAD_OPTION',
      `--hospitals ${wanted}, but the manifest of ${folder} has ${list.sites.length} sites`,
    );
  }
  const largest = [...list.sites].sort((a, b) => b.images - a.images).slice(0, wanted);
  const sites = largest
    .map(({ site }) => ({ id: hospitalName(site), folder, site }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (new Set(sites.map(({ id }) => id)).size < sites.length) {
    throw new DemoError(
      'DATA_UNUSABLE',
      'two sites of the manifest have names that differ only in case or punctuation',
    );
  }
  const ordered = SYNTHETIC_LABELS.filter((label) => list.labels.includes(label));
  const labels = ordered.length === list.labels.length ? ordered : list.labels;
  return { sites, labels, ready: Promise.resolve() };
}

async function listSites(folder: string): Promise<z.infer<typeof siteListSchema>> {
  try {
    const [answer] = await command('hospital', ['data', 'sites', folder, '--format', 'json']);
    return siteListSchema.parse(answer);
  } catch (error) {
    // The complaint of a hospital names no folder: it may reach its coordinator. This one is for who typed it.
    if (!(error instanceof DemoError)) throw error;
    throw new DemoError('DATA_UNUSABLE', `${error.message} (--data ${folder})`, error.status);
  }
}

function hospitalName(site: string): string {
  const name = site
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? 'site' : name;
}
