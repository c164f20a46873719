/** A consortium on disk, for real processes: homes, keys, enrolments, a run file, and a port that stays the same. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome, type RunFile } from '@consilium/coordinator';
import { FolderMemory, HospitalNode, openIdentity, pinnedCoordinator, type NodeOptions } from '@consilium/hospital';
import { SeededRandom } from '@consilium/tensors';
import { knownLearner } from '../support/federation.js';
import { waveUpdate, type Part } from '../support/expected-head.js';
import { joinAll } from '../support/members.js';
import { unusedPort } from '../support/tcp-proxy.js';

export const SPEC = { kind: 'linear', inputs: 4, classes: 3 } as const;
export const PARAMETERS = 15;
/** Whose updates travel in seven chunks of 64 KiB, and the seal in an eighth. */
export const LARGE = { kind: 'linear', inputs: 16_383, classes: 7 } as const;
/** What a run file says of it; the norm of its updates is far above what is usual. */
export const LARGE_RUN = {
  ...{ embeddingLength: LARGE.inputs, clipNorm: 1_000 },
  study: { name: 'large', labels: Array.from({ length: LARGE.classes }, (_, k) => `class ${k}`) },
} satisfies Partial<RunFile>;
export const RUN = 'fault-run';

export const parametersOf = ({ inputs, classes }: typeof SPEC | typeof LARGE): number => (inputs + 1) * classes;

/** What the k-th hospital contributes; it differs by hospital and round, and the weights have no common factor. */
export const partOf = (k: number, spec: typeof SPEC | typeof LARGE = SPEC): Part => ({
  ...{ examples: 7 + 24 * k, update: waveUpdate(k, parametersOf(spec)) },
});

export interface Stage {
  readonly hospitals: readonly string[];
  readonly directory: string;
  readonly coordinatorHome: string;
  readonly runFile: string;
  readonly url: string;
  readonly port: number;
  homeOf(hospital: string): string;
  /** A hospital in this process, with a home on disk. */
  node(k: number, options?: Partial<NodeOptions>): Promise<HospitalNode>;
  clear(): Promise<void>;
}

/** @param changes - what differs from a run of two rounds that nobody is dropped from for being away. */
export async function setStage(hospitals: readonly string[], changes: Partial<RunFile> = {}): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'consilium-faults-'));
  const homeOf = (hospital: string): string => join(directory, hospital);
  const coordinatorHome = join(directory, 'coordinator');
  const home = await openHome(coordinatorHome);
  await joinAll(home, hospitals, homeOf);
  const runFile = join(directory, 'run.yaml');
  const { mode = 'sealed' } = changes;
  const run = {
    run: RUN,
    study: { name: 'faults', labels: ['normal', 'pneumonia', 'covid'] },
    ...{ mode, head: { kind: 'linear' }, embeddingLength: SPEC.inputs },
    ...{ backbone: 'ab'.repeat(32), preprocessing: 'test-1', rounds: 2 },
    ...{ gatherTimeoutSeconds: 120, roundTimeoutSeconds: 120, absenceGraceSeconds: 60 },
    ...changes,
  };
  await writeFile(runFile, JSON.stringify(run));
  const port = await unusedPort();
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ hospitals, directory, coordinatorHome, runFile, url, port, homeOf },
    node: async (k, options = {}) => {
      const place = homeOf(hospitals[k] ?? '');
      const { examples, update } = partOf(k);
      return new HospitalNode({
        ...(await openIdentity(place)),
        coordinatorKey: await pinnedCoordinator(place),
        ...{ url, learner: knownLearner(examples, update), memory: new FolderMemory(place), modes: [mode] },
        progress: () => undefined,
        ...options,
      });
    },
    clear: () => rm(directory, { recursive: true, force: true }),
  };
}

export const bytesOf = (head: Float32Array | undefined): string =>
  head === undefined ? 'none' : Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('hex');

/**
 * Every death that a test knows of: all with CONSILIUM_FAULTS=all, else a seeded sample.
 *
 * @param calls - how many calls there are to die before or after.
 */
export function deaths(calls: number, sampled: number, seed: string): string[] {
  const every = Array.from({ length: calls }, (_, k) => [`before:${k + 1}`, `after:${k + 1}`]).flat();
  if (process.env['CONSILIUM_FAULTS'] === 'all') return every;
  const random = new SeededRandom(seed);
  return Array.from({ length: sampled }, () => every.splice(random.integer(every.length), 1)[0] ?? '');
}
