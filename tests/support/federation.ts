/** A whole consortium for a test: real keys, real files, a real coordinator on loopback, and hospitals that join it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import {
  enrolledHospitals,
  openCoordinator,
  openHome,
  runConfig,
  runFileSchema,
  type Conductor,
  type Progress,
  type RunFile,
  type RunningCoordinator,
} from '@consilium/coordinator';
import {
  FolderMemory,
  HospitalNode,
  openIdentity,
  pinnedCoordinator,
  type Learner,
  type NodeOptions,
  type NodeOutcome,
  type NodeProgress,
} from '@consilium/hospital';
import { joinAll } from './members.js';

export const BACKBONE = 'ab'.repeat(32);
export const PREPROCESSING = 'test-1';

export interface Consortium {
  readonly directory: string;
  readonly coordinator: RunningCoordinator;
  readonly conductor: Conductor;
  readonly progress: Progress[];
  homeOf(hospital: string): string;
  node(hospital: string, learner: Learner, options: Partial<NodeOptions>): Promise<HospitalNode>;
  join(hospital: string, learner: Learner, options?: Partial<NodeOptions>): Promise<NodeOutcome>;
  /** Progress of each node that `node` or `join` made. */
  readonly nodeProgress: (NodeProgress & { readonly hospital: string })[];
  dismantle(): Promise<void>;
}

/** @param changes - what differs from a run of three rounds with a linear head of 4 inputs and 3 classes. */
export async function convene(
  hospitals: readonly string[],
  changes: Partial<RunFile> = {},
  log: Logger = pino({ enabled: false }),
): Promise<Consortium> {
  const directory = await mkdtemp(join(tmpdir(), 'consilium-test-'));
  const homeOf = (hospital: string): string => join(directory, hospital);
  const home = await openHome(join(directory, 'coordinator'));
  await joinAll(home, hospitals, homeOf);
  const file = runFileSchema.parse({
    run: 'test-run',
    study: { name: 'test', labels: ['normal', 'pneumonia', 'covid'] },
    mode: 'sealed',
    head: { kind: 'linear' },
    embeddingLength: 4,
    backbone: BACKBONE,
    preprocessing: PREPROCESSING,
    rounds: 3,
    gatherTimeoutSeconds: 20,
    roundTimeoutSeconds: 20,
    absenceGraceSeconds: 0.3,
    ...changes,
  });
  const progress: Progress[] = [];
  const nodeProgress: (NodeProgress & { readonly hospital: string })[] = [];
  const coordinator = await openCoordinator({
    home,
    host: '127.0.0.1',
    port: 0,
    log,
    progress: (step) => progress.push(step),
  });
  const conductor = await coordinator.begin(runConfig(file, await enrolledHospitals(home)));
  const prepare = async (hospital: string, learner: Learner, options: Partial<NodeOptions>): Promise<HospitalNode> =>
    new HospitalNode({
      ...(await openIdentity(homeOf(hospital))),
      coordinatorKey: await pinnedCoordinator(homeOf(hospital)),
      url: coordinator.url,
      learner,
      memory: new FolderMemory(homeOf(hospital)),
      modes: ['sealed'],
      progress: (step) => nodeProgress.push({ hospital, ...step }),
      ...options,
    });
  return {
    ...{ directory, coordinator, conductor, progress, nodeProgress, homeOf },
    node: prepare,
    join: async (hospital, learner, options = {}) => (await prepare(hospital, learner, options)).run(),
    dismantle: async () => {
      await coordinator.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A learner without images: its update is known, so that the average can be computed by hand. */
export function knownLearner(
  examples: number,
  update: (round: number, model: Float32Array) => Float32Array | Promise<Float32Array>,
  embeddingLength = 4,
): Learner {
  return {
    prepare: () => Promise.resolve({ backbone: BACKBONE, preprocessing: PREPROCESSING, embeddingLength }),
    train: async (_config, model, round) => ({ update: await update(round, model), examples, loss: 0.5 }),
    evaluate: () =>
      Promise.resolve({ part: 'test', examples: 10, loss: 0.4, accuracy: 0.8, balancedAccuracy: 0.75, auc: null }),
  };
}
