/**
 * A run as it is in earnest, made small: hospital processes that read image files from disk, a coordinator, and between
 * each hospital and it a proxy that records the wire. Round secrets are kept, so that captured updates can be opened.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { untrainedBackbone, type Backbone } from '@consilium/backbone';
import {
  enrolledHospitals,
  openCoordinator,
  openHome,
  runConfig,
  runFileSchema,
  type Progress,
} from '@consilium/coordinator';
import { generateRoundKey } from '@consilium/crypto';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { demoHospitals, encodePhantom, phantomLabels, renderPhantom } from '@consilium/phantom';
import type { RunConfig } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { joinAll } from './members.js';
import { RecordingProxy, type RecordedConnection } from './recording-proxy.js';

export const ROUNDS = 2;
const IMAGES = 12;
const SIDE = 96;

export interface XrayImage {
  readonly fileName: string;
  readonly patient: string;
  readonly file: Buffer;
  /** Row-major, SIDE x SIDE. */
  readonly pixels: Uint16Array;
}

export interface XrayHospital {
  readonly id: string;
  readonly home: string;
  readonly site: string;
  readonly dataFolder: string;
  readonly images: readonly XrayImage[];
  readonly connections: readonly RecordedConnection[];
  /** What its process wrote. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

export interface XrayRun {
  readonly directory: string;
  readonly coordinatorHome: string;
  readonly config: RunConfig;
  readonly backbone: Backbone;
  readonly hospitals: readonly XrayHospital[];
  readonly roundSecrets: readonly Uint8Array[];
  readonly progress: readonly Progress[];
  readonly durationMs: number;
  remove(): Promise<void>;
}

const BIN = join(import.meta.dirname, '../../apps/hospital/bin/consilium-hospital.js');

export async function runOnXrays(ids: readonly string[]): Promise<XrayRun> {
  const started = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'consilium-wire-'));
  const coordinatorHome = join(directory, 'coordinator');
  const home = await openHome(coordinatorHome);
  const backbone = await untrainedBackbone();
  const sites = await Promise.all(ids.map((id, k) => makeSite(directory, id, k)));
  await joinAll(home, ids, (id) => join(directory, id));
  const file = runFileSchema.parse({
    run: 'wire-run',
    study: { name: 'what is on the wire', labels: [...phantomLabels] },
    mode: 'sealed',
    head: { kind: 'linear' },
    backbone: backbone.hash,
    preprocessing: PREPROCESSING_VERSION,
    rounds: ROUNDS,
    training: { batchSize: 4 },
  });
  const config = runConfig(file, await enrolledHospitals(home));
  const roundSecrets: Uint8Array[] = [];
  const progress: Progress[] = [];
  const coordinator = await openCoordinator({
    ...{ home, host: '127.0.0.1', port: 0 },
    log: pino({ level: 'trace' }, pino.destination({ dest: join(coordinatorHome, 'coordinator.log'), sync: true })),
    makeRoundKey: () => {
      const key = generateRoundKey();
      // A copy: the conductor erases its own when the round is over.
      roundSecrets.push(Uint8Array.from(key.secretKey));
      return key;
    },
    progress: (step) => progress.push(step),
  });
  await coordinator.begin(config);
  const proxies = await Promise.all(sites.map(() => RecordingProxy.open(coordinator.url)));
  const finished = await Promise.all(
    sites.map(async (site, k) => {
      const proxy = proxies[k] as RecordingProxy;
      const yaml = JSON.stringify({ coordinator: proxy.url, data: site.dataFolder, threads: 1, modes: ['sealed'] });
      await writeFile(join(site.home, 'hospital.yaml'), yaml);
      return { ...site, connections: proxy.connections, ...(await runProcess(site.home)) };
    }),
  );
  await coordinator.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
  return {
    ...{ directory, coordinatorHome, config, backbone, roundSecrets, progress, hospitals: finished },
    durationMs: performance.now() - started,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

type Site = Pick<XrayHospital, 'id' | 'home' | 'site' | 'dataFolder' | 'images'>;

/** Names that occur nowhere else, and into each image a block of noise that no other image has. */
async function makeSite(directory: string, id: string, index: number): Promise<Site> {
  const home = join(directory, id);
  const dataFolder = join(directory, `zephyrine-archive-${id}`);
  await mkdir(dataFolder, { recursive: true });
  const demo = demoHospitals(2, 'wire')[index % 2];
  if (demo === undefined) throw new Error('no demo hospital');
  const scanner = { ...demo.scanner, sizePixels: SIDE };
  const site = `Sankt-Zephyrin-${id}`;
  const images: XrayImage[] = [];
  const rows = ['image,label,patient,site'];
  for (let k = 0; k < IMAGES; k++) {
    const label = phantomLabels[k % phantomLabels.length] ?? 'normal';
    const { pixels, ...size } = renderPhantom({ seed: `wire/${id}/${k}`, label, scanner });
    const random = new SeededRandom(`wire/${id}/${k}/block`);
    for (let y = 40; y < 56; y++) for (let x = 40; x < 56; x++) pixels[y * SIDE + x] = random.integer(65_536);
    const patient = `MRN-${id}-84713-${String(k).padStart(3, '0')}`;
    const fileName = `kowalczyk_${id}_1957-03-${String(k + 10)}.${scanner.format === 'jpeg' ? 'jpg' : 'png'}`;
    const file = await encodePhantom({ pixels, ...size }, scanner.format);
    await writeFile(join(dataFolder, fileName), file);
    images.push({ fileName, patient, file, pixels });
    rows.push([fileName, label, patient, site].join(','));
  }
  // One that cannot be read: the path on which programs like to print a name.
  await writeFile(join(dataFolder, `kowalczyk_${id}_broken.png`), (images[0] as XrayImage).file.subarray(0, 900));
  rows.push([`kowalczyk_${id}_broken.png`, 'normal', `MRN-${id}-84713-broken`, site].join(','));
  await writeFile(join(dataFolder, 'manifest.csv'), `${rows.join('\n')}\n`);
  return { id, home, site, dataFolder, images };
}

/** The program as hospitals start it. */
function runProcess(home: string): Promise<Pick<XrayHospital, 'stdout' | 'stderr' | 'exitCode'>> {
  const child = spawn(process.execPath, [BIN, 'start', '--home', home, '--format', 'json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), exitCode });
    });
  });
}
