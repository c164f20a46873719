/** `consilium-hospital dry-run`: a whole round on this hospital's own data, into a folder instead of the network. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '@consilium/bytes';
import { digestBlob, generateIdentity } from '@consilium/crypto';
import { initialParameters, parameterCount, splitParameters } from '@consilium/model-spec';
import {
  parseUnverified,
  payloadType,
  type Digest,
  type Envelope,
  type RunConfig,
  type RunId,
} from '@consilium/protocol';
import type { Memory } from '@consilium/rounds';
import { floatBytes } from '@consilium/tensors';
import { readHospitalConfig } from '../config.js';
import { bytesOf, EgressDoor } from '../egress/door.js';
import { PURPOSES } from '../egress/purpose.js';
import { Rehearsal, type Message, type OpenedUpdate } from '../egress/rehearsal.js';
import { rehearsalPeers, rosterOf } from '../egress/rehearsed-round.js';
import { HospitalError } from '../errors.js';
import { openIdentity, pinnedCoordinator } from '../home.js';
import { XrayLearner } from '../learning/xray-learner.js';
import { Approvals } from '../policy/approvals.js';
import { readPolicy } from '../policy/read-policy.js';
import { refusalByPolicy } from '../policy/refusal.js';
import { runTerms } from '../policy/terms.js';
import type { RunMemory } from '../run/memory.js';
import type { Outgoing } from '../run/round.js';
import { HospitalNode } from '../run/node.js';
import type { Prepared } from '../run/learner.js';
import { listSites } from './sites.js';

export interface DryRunRequest {
  readonly home: string;
  readonly configFile: string;
  readonly out: string;
  /** Of a configuration that waits or was decided about; without it a usual one is made up. */
  readonly hash?: string;
}

export interface DryRunSummary {
  readonly folder: string;
  readonly configuration: 'given' | 'made-up';
  readonly mode: RunConfig['mode'];
  /** Hospitals of the roster that were played here. */
  readonly peers: number;
  /** What the policy of this hospital would say to it; null: nothing. */
  readonly policyRefuses: string | null;
  readonly messages: readonly {
    readonly file: string;
    readonly type: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly purpose: string;
    /** What the signed statement in it says. */
    readonly says?: object;
  }[];
  readonly totalBytes: number;
  readonly update: {
    readonly parameters: number;
    readonly examples: number;
    /** Nats. */
    readonly loss: number;
    readonly l2Norm: number;
    readonly clipNorm: string;
    /** Of the blob that leaves: sealed, or masked. */
    readonly blobBytes: number;
    readonly tensors: readonly { readonly name: string; readonly numbers: number; readonly largest: number }[];
  };
}

/**
 * The keys on both sides are made for this run and forgotten: nothing in the folder would be believed by anyone.
 *
 * @throws {@link HospitalError} `TARGET_NOT_EMPTY`, `APPROVAL_UNKNOWN`, or what a run would end with.
 */
export async function dryRun(
  { home, configFile, out, hash }: DryRunRequest,
  onProgress: (done: number, total: number) => void,
): Promise<DryRunSummary> {
  const config = await readHospitalConfig(configFile);
  const { hospitalId } = await openIdentity(home);
  await mkdir(out, { recursive: true, mode: 0o700 });
  if ((await readdir(out)).length > 0)
    throw new HospitalError('TARGET_NOT_EMPTY', 'the folder for the dry run holds something');
  const learner = new XrayLearner(config, hospitalId, onProgress);
  const prepared = await learner.prepare();
  const given = hash === undefined ? undefined : await knownConfig(home, hash);
  const usualMode = config.modes.includes('secagg') ? 'secagg' : 'sealed';
  const asked = given ?? usualConfig(prepared, (await listSites(config.data)).labels, usualMode);
  const identity = generateIdentity();
  const peers = asked.mode === 'secagg' ? rehearsalPeers(asked.roster.length) : [];
  const runConfig = { ...asked, roster: rosterOf({ hospitalId, identity }, peers) };
  const rehearsal = new Rehearsal(runConfig, hospitalId, peers);
  const node = new HospitalNode({
    ...{ hospitalId, identity, coordinatorKey: rehearsal.identity.publicKey, url: '' },
    learner: { ...bound(learner), prepare: () => Promise.resolve(prepared) },
    memory: new Forgetful(),
    modes: [runConfig.mode],
    progress: () => undefined,
    network: rehearsal.network,
    door: new EgressDoor(),
    about: () => learner.about,
  });
  const outcome = await node.run();
  const { update } = rehearsal;
  // A secure rehearsal ends when the sum is open, which needs no further word of a hospital.
  const isDone = outcome.ended === 'finished' || (runConfig.mode === 'secagg' && outcome.ended === 'aborted');
  if (!isDone || update === undefined) {
    const why = outcome.ended === 'refused-here' ? outcome.code : outcome.ended;
    throw new HospitalError('REFUSED_HERE', `the round of the dry run did not come to its end: ${why}`);
  }
  const policy = await readPolicy(home);
  const facts = { patients: learner.patients(runConfig), minuteOfDay: 0, memoryBytes: 0, diskBytes: 0 };
  const refusal = policy === undefined ? undefined : refusalByPolicy(policy, runTerms(asked), facts);
  const messages = await writeMessages(out, rehearsal.messages);
  const summary: DryRunSummary = {
    folder: out,
    configuration: given === undefined ? 'made-up' : 'given',
    ...{ mode: runConfig.mode, peers: peers.length },
    policyRefuses: refusal ?? null,
    messages,
    totalBytes: messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    update: decoded(update, runConfig),
  };
  await writeFile(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`, { mode: 0o600 });
  return summary;
}

const bound = (learner: XrayLearner) => ({
  train: learner.train.bind(learner),
  evaluate: learner.evaluate.bind(learner),
  patients: learner.patients.bind(learner),
});

async function knownConfig(home: string, hash: string): Promise<RunConfig> {
  const { identity } = await openIdentity(home);
  const approvals = new Approvals(home, identity, await pinnedCoordinator(home));
  const known = [...(await approvals.pending()), ...(await approvals.decided()).map(({ config }) => config)];
  const found = known.find(({ digest }) => digest === hash);
  if (found === undefined)
    throw new HospitalError('APPROVAL_UNKNOWN', 'no configuration with that hash was received here');
  return found.body;
}

/** What a coordinator's run file says when it says little. */
function usualConfig(prepared: Prepared, labels: readonly string[], mode: RunConfig['mode']): RunConfig {
  if (labels.length < 2)
    throw new HospitalError('DATA_INVALID', 'the data has fewer than two labels: there is nothing to tell apart');
  const head = { kind: 'linear' as const, inputs: prepared.embeddingLength, classes: labels.length };
  const seed = 'consilium';
  return {
    ...{ v: 1, runId: 'dry-run' as RunId, mode, seed, weighting: 'examples', head },
    ...(mode === 'secagg' && {
      secagg: { tolerated: 0, weightCap: 10_000, zMax: 2 ** 23 - 1, stageTimeoutMs: 60_000 },
    }),
    study: { name: 'dry run', labels: [...labels] },
    parameters: parameterCount(head),
    initialModel: digestBlob(floatBytes(initialParameters(head, seed))) as Digest,
    backbone: prepared.backbone as Digest,
    preprocessing: prepared.preprocessing,
    training: {
      ...{ epochs: 1, batchSize: 32, learningRate: '0.001', schedule: { kind: 'constant' }, l2: '0.1' },
      ...{ proximalMu: '0', classWeights: 'none', earlyStopPatienceEpochs: 0 },
    },
    clipNorm: '100',
    server: { optimizer: 'fedavg', learningRate: '1' },
    ...{ rounds: 1, minHospitals: mode === 'secagg' ? 2 : 1 },
    ...{ gatherTimeoutMs: 60_000, roundTimeoutMs: 3_600_000, absenceGraceMs: 1_000 },
    stragglers: null,
    selection: { metric: 'balancedAccuracy', patienceRounds: 0 },
    roster: [],
  };
}

async function writeMessages(out: string, messages: readonly Message[]): Promise<DryRunSummary['messages']> {
  const written: DryRunSummary['messages'][number][] = [];
  for (const [k, { name, body }] of messages.entries()) {
    const isBytes = 'bytes' in body;
    const bytes = bytesOf(body);
    const file = `${String(k + 1).padStart(3, '0')}-${name}.${isBytes ? 'bin' : 'json'}`;
    await writeFile(join(out, file), bytes, { mode: 0o600 });
    const says = 'statement' in body ? { says: sayingOf(name, body.statement as Envelope) } : {};
    written.push({
      ...{ file, type: name, sizeBytes: bytes.length, sha256: sha256Hex(bytes), purpose: PURPOSES[name] },
      ...says,
    });
  }
  return written;
}

const STATEMENTS = {
  consent: 'consent',
  'update.offer': 'update',
  evaluation: 'evaluation',
  decline: 'decline',
  advert: 'advert',
  shares: 'shares',
  agree: 'agree',
  unmask: 'unmask',
} as const;

function sayingOf(name: Message['name'], envelope: Envelope): object {
  if (envelope.payloadType === payloadType('masked')) return parseUnverified('masked', envelope).body;
  return name in STATEMENTS ? parseUnverified(STATEMENTS[name as keyof typeof STATEMENTS], envelope).body : {};
}

function decoded({ examples, loss, blob, update }: OpenedUpdate, config: RunConfig): DryRunSummary['update'] {
  const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return {
    parameters: update.length,
    ...{ examples, loss },
    l2Norm: Math.sqrt(update.reduce((sum, value) => sum + value * value, 0)),
    clipNorm: config.clipNorm,
    blobBytes: blob.length,
    tensors: Object.entries(splitParameters(config.head, update)).map(([name, values]) => ({
      ...{ name, numbers: values.length, largest: largest(values) },
    })),
  };
}

/** A dry run leaves no trace of a run in the home. */
class Forgetful implements RunMemory {
  #memory: Memory | undefined;
  #outgoing: Outgoing | undefined;

  read(): Promise<Memory | undefined> {
    return Promise.resolve(this.#memory);
  }

  write(_runId: RunId, memory: Memory): Promise<void> {
    this.#memory = memory;
    return Promise.resolve();
  }

  readOutgoing(): Promise<Outgoing | undefined> {
    return Promise.resolve(this.#outgoing);
  }

  writeOutgoing(_runId: RunId, outgoing: Outgoing): Promise<void> {
    this.#outgoing = outgoing;
    return Promise.resolve();
  }

  eraseOutgoing(): Promise<void> {
    this.#outgoing = undefined;
    return Promise.resolve();
  }

  readSecure(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  writeSecure(): Promise<void> {
    return Promise.resolve();
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  isFinished(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** For people. */
export function dryRunText({
  folder,
  configuration,
  mode,
  peers,
  policyRefuses,
  messages,
  totalBytes,
  update,
}: DryRunSummary): string {
  const hidden =
    mode === 'secagg'
      ? `the masked vector, ${update.blobBytes} bytes, is noise to everybody; the sum of all ${peers + 1} shows of it here, where the ${peers} others were played and add nothing`
      : `the update, ${update.blobBytes} bytes, opened as the coordinator can`;
  const lines = messages.map(({ file, sizeBytes, purpose }) => `${file}  ${sizeBytes} bytes  ${purpose}`);
  const tensors = update.tensors.map(
    ({ name, numbers, largest }) => `  ${name}: ${numbers} numbers, the largest ${largest.toPrecision(3)}`,
  );
  return [
    configuration === 'given' ? 'the configuration that was named' : 'a usual configuration, made up for this dry run',
    policyRefuses === null ? 'policy: nothing against it' : `policy: REFUSED, ${policyRefuses}`,
    ...lines,
    `${totalBytes} bytes in ${messages.length} messages; keys were made for this dry run, and nothing was sent`,
    `trust mode ${mode}: ${hidden}:`,
    `  ${update.parameters} numbers of ${update.examples} training images, loss ${update.loss.toPrecision(4)}, L2 norm ${update.l2Norm.toPrecision(4)} (at most ${update.clipNorm})`,
    ...tensors,
    `written to ${folder}`,
  ].join('\n');
}
