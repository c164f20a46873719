/** A run of the consortium: one process for each hospital, and what became of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Board } from './board.js';
import { coordinatorHome, homeOf, leastHospitals, RUN, writeHospitalFiles } from './consortium.js';
import { DemoError } from './errors.js';
import type { DemoOptions } from './options.js';
import type { Office } from './office.js';
import { command, launch, type Exit } from './processes.js';
import type { Sites } from './sites.js';
import { hospitalStep, pooledSchema, summarySchema, type Pooled, type RoundDone, type Summary } from './steps.js';

/** As commands of the coordinator end that lead a run. */
const RUN_ABORTED = 4;

export interface Federation {
  readonly rounds: readonly RoundDone[];
  /** Hospitals that took part to the end. */
  readonly summaries: ReadonlyMap<string, Summary>;
  readonly lost: readonly { readonly id: string; readonly why: string }[];
}

export async function federate(
  options: DemoOptions,
  sites: Sites,
  office: Office,
  runFile: string,
  backboneFile: string | undefined,
  board: Board,
): Promise<Federation> {
  const home = ['--home', coordinatorHome(options.out), '--format', 'json'];
  await writeHospitalFiles(options, sites, office.url, backboneFile);
  if (options.keep) await openConsole(home, board);
  await command('coordinator', ['run', 'start', runFile, ...home]);
  const lost: { id: string; why: string }[] = [];
  const fates = sites.sites.map(({ id }) => runHospital(options, id, board, lost, sites.sites.length));
  // A coordinator that fails ends the demonstration; hospitals alone would wait for it for ever.
  const ended = await Promise.race([Promise.all(fates), office.failed]);
  const { outcome, reason } = await Promise.race([office.runEnd, office.failed]);
  if (outcome === 'aborted') throw new DemoError('COORDINATOR_FAILED', `the run was aborted: ${reason}`, RUN_ABORTED);
  if (!options.keep) await office.close();
  return { rounds: office.rounds, summaries: new Map(ended.filter((entry) => entry !== undefined)), lost };
}

/** A one-time link for whoever watches the demonstration; in the fragment, which no browser sends. */
async function openConsole(home: readonly string[], board: Board): Promise<void> {
  await command('coordinator', ['operator', 'add', 'demo', '--role', 'owner', ...home]);
  const [answer] = await command('coordinator', ['operator', 'link', 'demo', ...home]);
  board.link(`console: ${z.object({ url: z.string() }).parse(answer).url}`);
}

async function runHospital(
  { out, keep, mode }: DemoOptions,
  id: string,
  board: Board,
  lost: { id: string; why: string }[],
  hospitals: number,
): Promise<[string, Summary] | undefined> {
  const seen = { connected: false };
  board.stage(id, 'starting its node');
  let finish: (exit: Exit) => void;
  const finished = new Promise<Exit>((resolve) => {
    finish = resolve;
  });
  const args = ['start', '--home', homeOf(out, id), '--format', 'json', ...(keep ? ['--stay'] : [])];
  const { exit } = launch('hospital', args, (line) => {
    const step = hospitalStep.parse(line);
    if (step.event === 'line' && step.state === 'connected') seen.connected = true;
    if (step.event === 'page' && keep) board.link(`hospital ${id}: ${step.url}`);
    if (step.event === 'finished' && keep) finish({ status: 0, signal: null, complaint: '' });
    board.hospital(id, step);
  });
  const { status, signal, complaint } = await Promise.race([exit, finished]);
  if (status === 0) {
    return [
      id,
      summarySchema.parse(JSON.parse(await readFile(join(homeOf(out, id), 'results', `${RUN}.json`), 'utf8'))),
    ];
  }
  const why = signal === null ? complaint || `ended with status ${String(status)}` : `ended by ${signal}`;
  lost.push({ id, why });
  board.note(`${id} is lost: ${why}`);
  if (!seen.connected || hospitals - lost.length < leastHospitals(mode, hospitals)) {
    throw new DemoError('TOO_FEW_HOSPITALS', `${id}: ${why}`, status ?? 1);
  }
  return undefined;
}

/** All data in one place, for comparison only: no real consortium could do this. */
export async function comparePooled(out: string, hospitals: readonly string[]): Promise<Pooled> {
  const homes = hospitals.map((id) => homeOf(out, id));
  const [answer] = await command('hospital', ['pooled', ...homes, '--run', RUN, '--format', 'json']);
  return pooledSchema.parse(answer);
}
