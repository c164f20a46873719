/** Sets up a consortium on this machine as people would. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { DemoError } from './errors.js';
import type { DemoOptions } from './options.js';
import { command } from './processes.js';
import type { Sites } from './sites.js';

export const RUN = 'demo';
/** Says that a folder is ours: many a collection of X-rays has a folder `images`, and nothing else. */
const MARK = '.consilium-demo';
const OURS = [MARK, 'coordinator', 'hospitals', 'images', 'result.json', 'backbone.safetensors'];

export const homeOf = (out: string, hospital: string): string => join(out, 'hospitals', hospital);
export const coordinatorHome = (out: string): string => join(out, 'coordinator');

/** Clears what an earlier demonstration left, and nothing else. @throws {@link DemoError} `OUT_NOT_OURS`, `OUT_UNUSABLE`. */
export async function clearFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    const found = await readdir(out);
    const strange = found.includes(MARK) ? found.filter((name) => !OURS.includes(name)) : found;
    if (strange.length > 0) {
      throw new DemoError(
        'OUT_NOT_OURS',
        `${out} holds other files (${strange.slice(0, 3).join(', ')}): name an empty or new folder with --out`,
      );
    }
    await writeFile(
      join(out, MARK),
      'Made by the demonstration of Consilium, which replaces what is in this folder.\n',
    );
    for (const name of OURS.filter((name) => name !== MARK))
      await rm(join(out, name), { recursive: true, force: true });
  } catch (error) {
    if (error instanceof DemoError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new DemoError('OUT_UNUSABLE', `cannot write to ${out} (${why}): name another folder with --out`);
  }
}

const backboneSchema = z.object({ hash: z.string(), preprocessing: z.string() });

/** The backbone of this demonstration; downloaded weights are completed once, for all hospitals. */
export async function prepareBackbone({
  backbone,
  out,
}: DemoOptions): Promise<{ file: string | undefined; hash: string; preprocessing: string }> {
  const file = backbone === undefined ? undefined : join(out, 'backbone.safetensors');
  const args = backbone === undefined || file === undefined ? ['show'] : ['import', backbone, '--out', file];
  const [card] = await command('hospital', ['backbone', ...args, '--format', 'json']);
  return { file, ...backboneSchema.parse(card) };
}

const rosterSchema = z.object({ words: z.string() });
/** Who compares here is the one person before this machine. */
const COMPARED = ['--compared-by', 'the demonstration', '--how', 'in-person'];

/**
 * Invitations, keys made at each hospital, the roster compared on both sides: as people join, by the commands that they use.
 *
 * @returns The words that were compared.
 */
export async function joinAll({ out }: DemoOptions, { sites }: Sites): Promise<string> {
  const office = ['--home', coordinatorHome(out), '--format', 'json'];
  const ids = sites.map(({ id }) => id);
  await Promise.all(
    ids.map(async (id) => {
      const invitation = join(coordinatorHome(out), `${id}.invitation.json`);
      await command('coordinator', ['invite', id, '--out', invitation, ...office]);
      await command('hospital', ['join', invitation, '--home', homeOf(out, id), '--format', 'json']);
    }),
  );
  const [roster] = await command('coordinator', ['hospitals', 'roster', ...office]);
  const { words } = rosterSchema.parse(roster);
  await command('coordinator', ['approve', ...ids, ...COMPARED, '--words', words, ...office]);
  await Promise.all(
    ids.map((id) =>
      command('hospital', ['verify', ...COMPARED, '--words', words, '--home', homeOf(out, id), '--format', 'json']),
    ),
  );
  return words;
}

export const minHospitals = (sites: number): number => Math.min(2, sites);

/** What a round is planned with, at least: libs/secagg/SPEC.md, section 1. */
export const leastHospitals = (mode: DemoOptions['mode'], sites: number): number =>
  mode === 'secagg' ? Math.max(3, Math.floor((sites - 1) / 3) + 2) : minHospitals(sites);

export async function writeRunFile(
  options: DemoOptions,
  { sites, labels }: Sites,
  backbone: { readonly hash: string; readonly preprocessing: string },
): Promise<string> {
  const file = join(coordinatorHome(options.out), 'run.yaml');
  const run = {
    run: RUN,
    study: { name: options.data === undefined ? 'Synthetic chest radiographs' : 'Demonstration', labels },
    mode: options.mode,
    head: { kind: options.head },
    backbone: backbone.hash,
    preprocessing: backbone.preprocessing,
    seed: options.seed,
    rounds: options.rounds,
    minHospitals: minHospitals(sites.length),
    training: { epochs: options.epochs },
    absenceGraceSeconds: 2,
  };
  await writeFile(file, stringify(run));
  return file;
}

export async function writeHospitalFiles(
  options: DemoOptions,
  { sites }: Sites,
  url: string,
  backboneFile: string | undefined,
): Promise<void> {
  const threads = Math.max(1, Math.floor(availableParallelism() / sites.length));
  for (const { id, folder, site } of sites) {
    const config = {
      coordinator: url,
      data: folder,
      ...(site === undefined ? {} : { site }),
      ...(options.data === undefined || options.images === undefined ? {} : { maxImages: options.images }),
      ...(backboneFile === undefined ? {} : { backbone: backboneFile }),
      splitSeed: options.seed,
      modes: [options.mode],
      threads,
    };
    await writeFile(join(homeOf(options.out, id), 'hospital.yaml'), stringify(config));
  }
}
