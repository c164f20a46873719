/**
 * Claims, for `start --stay` with runs one after another: (1) one that the hospital's policy refuses is said once, and the
 * node waits for the next; (2) so is one that was ended before this hospital finished a round; neither comes again; (3) the run after them is taken part in to its end.
 * Oracle: the lines that the program printed, and the results in the hospital's home.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { untrainedBackbone } from '@consilium/backbone';
import {
  enrolledHospitals,
  openCoordinator,
  openHome,
  runConfig,
  runFileSchema,
  type Conductor,
  type Progress,
  type RunFile,
} from '@consilium/coordinator';
import { DEFAULT_POLICY } from '@consilium/hospital';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { joinAll } from '../support/members.js';
import { startProgram } from '../support/programs.js';
import { until } from '../support/until.js';
import { writeCleanFolder } from '../support/xray-folder.js';

const line = (policy: string, [key, value]: readonly [string, string]): string =>
  policy.replace(new RegExp(`^${key}:.*$`, 'm'), `${key}: ${value}`);
const POLICY = [
  ...([
    ['trustModes', '[sealed]'],
    ['cohortMin', '1'],
    ['patientsMin', '0'],
    ['approval', 'none'],
  ] as const),
].reduce(line, DEFAULT_POLICY);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it('stays over a run that it refuses and one that is aborted', { timeout: 240_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'consilium-stays-'));
  closing.push(() => rm(directory, { recursive: true, force: true }));
  const homeOf = (hospital: string): string => join(directory, hospital);
  const office = await openHome(join(directory, 'office'));
  await joinAll(office, ['north', 'south'], homeOf);
  const progress: Progress[] = [];
  const coordinator = await openCoordinator({
    ...{ home: office, host: '127.0.0.1', port: 0, log: pino({ enabled: false }) },
    progress: (step) => progress.push(step),
  });
  closing.push(() => coordinator.close());
  const backbone = await untrainedBackbone();
  const begun = async (run: string, changes: Partial<RunFile>): Promise<Conductor> => {
    const file = runFileSchema.parse({
      ...{
        run,
        mode: 'sealed',
        head: { kind: 'linear' },
        backbone: backbone.hash,
        preprocessing: PREPROCESSING_VERSION,
      },
      ...{ study: { name: 'staying', labels: ['normal', 'pneumonia', 'covid'] }, rounds: 1 },
      ...changes,
    });
    return coordinator.begin(runConfig(file, await enrolledHospitals(office)));
  };

  await writeCleanFolder(join(directory, 'images'), ['a'], 12);
  const home = homeOf('north');
  const config = { coordinator: coordinator.url, data: '../images', threads: 1, modes: ['sealed'] };
  await writeFile(join(home, 'hospital.yaml'), JSON.stringify(config));
  await writeFile(join(home, 'policy.yaml'), POLICY, { mode: 0o600 });
  const args = ['start', '--stay', '--home', home, '--format', 'json'];
  const node = startProgram('hospital', args, directory);
  closing.push(() => (node.child.kill('SIGKILL'), node.ended));

  const refused = await begun('refused-run', { clipNorm: 5_000 });
  await node.printed(/REFUSED_HERE[^"]*POLICY/);
  await refused.accept({ type: 'stop' });
  // The other hospital never comes, and the run is ended before it has begun.
  const aborted = await begun('aborted-run', { minHospitals: 2 });
  await until(() => progress.some((step) => step.event === 'consented' && step.run === 'aborted-run'));
  await aborted.accept({ type: 'stop' });
  await node.printed(/RUN_ABORTED/);
  // While no other run is there, the next synchronisation brings its end again.
  await setTimeout(3_000);
  const last = await begun('last-run', { minHospitals: 1, gatherTimeoutSeconds: 5 });
  expect(await last.ended).toMatchObject({ outcome: 'finished', rounds: 1 });
  await node.printed(/"event":"finished"/);
  node.child.kill('SIGTERM');
  const { stdout } = await node.ended;
  const warnings = stdout.split('\n').filter((line) => line.includes('"event":"warning"'));
  expect(warnings.filter((line) => line.includes('REFUSED_HERE'))).toHaveLength(1);
  expect(warnings.filter((line) => line.includes('RUN_ABORTED'))).toHaveLength(1);
  expect(await readdir(join(home, 'results'))).toContain('last-run.json');
});
