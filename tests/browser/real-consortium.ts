/** A consortium of real processes for the browser tests: a coordinator that serves the console, and hospitals with drawn X-rays. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '@consilium/coordinator';
import { untrainedBackbone } from '@consilium/backbone';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { demoHospitals, encodePhantom, phantomLabels, renderPhantom } from '@consilium/phantom';
import { runProgram, startProgram, type RunningProgram } from '../support/programs.js';
import { unusedPort } from '../support/tcp-proxy.js';
import { joinAll } from '../support/members.js';

const IMAGES = 12;
const SIDE = 64;

export interface RealConsortium {
  readonly url: string;
  /** Opened once, it makes the first account. */
  readonly setupLink: string;
  /** The text of a run file that its hospitals can follow. */
  runFile(run: string, changes?: object): string;
  /** Uses an invitation up, makes images for the hospital, and hands back what it printed. */
  join(id: string, invitation: string): Promise<string>;
  /** Runs a command of that hospital to its end and hands back what it printed. */
  hospital(id: string, ...args: string[]): Promise<string>;
  /** Gives it a policy that refuses every run of fewer than nine hospitals. */
  makeStrict(id: string): Promise<void>;
  /** For one run after another. */
  startHospital(id: string): void;
  /** As a power cut would. */
  killHospital(id: string): Promise<void>;
  killCoordinator(): Promise<void>;
  startCoordinator(): Promise<void>;
  close(): Promise<void>;
}

export async function conveneProcesses(hospitals: readonly string[]): Promise<RealConsortium> {
  const directory = await mkdtemp(join(tmpdir(), 'consilium-console-'));
  const port = await unusedPort();
  const url = `http://127.0.0.1:${port}/`;
  const done = async (program: 'coordinator' | 'hospital', ...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await runProgram(program, args, directory);
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  let drawn = 0;
  const furnish = async (id: string): Promise<void> => {
    await drawImages(join(directory, id, 'images'), id, drawn++);
    const config = { coordinator: url.slice(0, -1), data: 'images', threads: 1 };
    await writeFile(join(directory, id, 'hospital.yaml'), JSON.stringify(config));
  };
  await done('coordinator', 'init', '--home', 'office', '--name', 'Test consortium');
  await joinAll(await openHome(join(directory, 'office')), hospitals, (id) => join(directory, id));
  for (const id of hospitals) await furnish(id);
  const running = new Map<string, RunningProgram>();
  let setupLink = '';
  const startCoordinator = async (): Promise<void> => {
    const args = ['serve', '--home', 'office', '--port', String(port)];
    const program = startProgram('coordinator', args, directory);
    running.set('coordinator', program);
    if (setupLink === '') setupLink = await program.printed(/http\S+#setup=\S+/);
    else await program.printed(/listening/);
  };
  const kill = async (name: string): Promise<void> => {
    const program = running.get(name);
    running.delete(name);
    program?.child.kill('SIGKILL');
    await program?.ended;
  };
  await startCoordinator();
  const backbone = await untrainedBackbone();
  return {
    ...{ url, setupLink, startCoordinator },
    runFile: (run, changes = {}) =>
      JSON.stringify({
        ...{ run, study: { name: 'Normal, pneumonia or covid', labels: [...phantomLabels] }, mode: 'secagg' },
        ...{ head: { kind: 'linear' }, backbone: backbone.hash, preprocessing: PREPROCESSING_VERSION },
        ...{ rounds: 3, minHospitals: 3, absenceGraceSeconds: 2, training: { batchSize: 4 } },
        ...changes,
      }),
    join: async (id, invitation) => {
      await writeFile(join(directory, `${id}.invitation`), invitation);
      const said = await done('hospital', 'join', `${id}.invitation`, '--home', id);
      await furnish(id);
      return said;
    },
    hospital: (id, ...args) => done('hospital', ...args, '--home', id),
    makeStrict: async (id) => {
      await done('hospital', 'policy', 'init', '--home', id);
      const file = join(directory, id, 'policy.yaml');
      await writeFile(file, (await readFile(file, 'utf8')).replace('cohortMin: 3', 'cohortMin: 9'));
    },
    startHospital: (id) => {
      running.set(id, startProgram('hospital', ['start', '--stay', '--home', id, '--format', 'json'], directory));
    },
    killHospital: kill,
    killCoordinator: () => kill('coordinator'),
    close: async () => {
      await Promise.all([...running.keys()].map(kill));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function drawImages(folder: string, id: string, index: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const site = demoHospitals(3, 'console')[index % 3];
  if (site === undefined) throw new Error('no such hospital');
  const rows = ['image,label,patient'];
  for (let k = 0; k < IMAGES; k++) {
    const label = phantomLabels[k % phantomLabels.length] ?? 'normal';
    const scanner = { ...site.scanner, sizePixels: SIDE };
    const file = `${k}.${scanner.format === 'jpeg' ? 'jpg' : 'png'}`;
    const phantom = renderPhantom({ seed: `${id}/${k}`, label, scanner });
    await writeFile(join(folder, file), await encodePhantom(phantom, scanner.format));
    rows.push(`${file},${label},patient-${k}`);
  }
  await writeFile(join(folder, 'manifest.csv'), `${rows.join('\n')}\n`);
}
