/** `consilium-hospital start`: takes part in one run, then compares the shared head with one trained here alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { collusionOf, whoSees } from '@consilium/operator-api';
import type { RunConfig, RunId } from '@consilium/protocol';
import { readHospitalConfig, type HospitalConfig } from '../config.js';
import { LocalControl } from '../control/local-control.js';
import { StatusBoard } from '../control/node-status.js';
import { isStopped, unwish } from '../control/standing.js';
import { EgressDoor } from '../egress/door.js';
import { EgressJournal } from '../egress/journal.js';
import { HospitalError } from '../errors.js';
import { openIdentity, pinnedCoordinator } from '../home.js';
import type { Split } from '../learning/local-data.js';
import { metricsOf, type Summary } from '../learning/summary.js';
import { assessHead } from '../learning/assessment.js';
import { fitAlone } from '../learning/fit-head.js';
import { XrayLearner, type ReadImages } from '../learning/xray-learner.js';
import { wayOutOf } from '../network/configured.js';
import { openPage } from '../page/open.js';
import { Story } from '../page/story.js';
import { Approvals } from '../policy/approvals.js';
import { HouseRules } from '../policy/house-rules.js';
import { readPolicy } from '../policy/read-policy.js';
import type { Policy } from '../policy/schema.js';
import { writeResults } from '../report/write-results.js';
import { floatBytes } from '@consilium/tensors';
import { FolderMemory, type RunMemory } from '../run/memory.js';
import { HospitalNode, type NodeOutcome, type NodeProgress } from '../run/node.js';

export type StartProgress =
  | NodeProgress
  | { readonly event: 'embedding'; readonly done: number; readonly total: number }
  | ({ readonly event: 'data' } & ReadImages)
  /** For the person who started it: the link has the key of the page. */
  | { readonly event: 'page'; readonly url: string }
  | { readonly event: 'warning'; readonly message: string }
  /** Both files stay at the hospital. */
  | { readonly event: 'finished'; readonly file: string; readonly report: string };

export interface StartTerms {
  readonly configFile: string;
  /** Started by the machine and not by a person: then it does not start while a person wants it stopped. */
  readonly isService: boolean;
  /** Waits for the next run when one has ended. */
  readonly stays: boolean;
}

/** Nothing was consented to: nobody waits for this hospital, and the next run may suit it. */
const REFUSED_AT_ONCE: readonly string[] = [
  ...['POLICY', 'NOT_ON_ROSTER', 'MODE_NOT_ACCEPTED', 'BACKBONE_MISMATCH', 'PREPROCESSING_MISMATCH'],
  ...['INITIAL_MODEL_MISMATCH', 'HEAD_MISMATCH'],
];

/** @throws {@link HospitalError} `STOPPED`, also when a person stops it while it runs. */
export async function start(
  home: string,
  { configFile, isService, stays }: StartTerms,
  say: (step: StartProgress) => void,
): Promise<void> {
  if (isService && (await isStopped(home))) {
    throw new HospitalError('STOPPED', 'a person stopped this hospital; start without --service ends that');
  }
  const credentials = { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
  const config = withinPolicy(await readHospitalConfig(configFile), await readPolicy(home));
  const way = await wayOutOf(config);
  const log = pino(
    { base: { role: 'hospital', hospital: credentials.hospitalId } },
    pino.destination({ dest: join(home, 'hospital.log') }),
  );
  const board = new StatusBoard();
  const control = await LocalControl.open(home, board);
  const story = new Story();
  const progress = (step: StartProgress): void => {
    board.note(step);
    story.note(step);
    if (step.event !== 'embedding' || step.done === step.total) log.info(step);
    say(step);
    control.noted();
  };
  const memory = new StayingMemory(home);
  const approvals = new Approvals(home, credentials.identity, credentials.coordinatorKey);
  const rules = new HouseRules(home, config.cache, approvals, credentials);
  const door = new EgressDoor({
    journal: new EgressJournal(home),
    sentPerRoundMaxBytes: () => rules.sentPerRoundMaxBytes,
  });
  /** In the next run, and if it stays in all that follow. */
  const takePart = async (): Promise<void> => {
    do {
      const learner = new XrayLearner(
        config,
        credentials.hospitalId,
        (done, total) => {
          progress({ event: 'embedding', done, total });
        },
        (images) => {
          progress({ event: 'data', ...images });
        },
      );
      const node = new HospitalNode({
        ...{ ...credentials, url: config.coordinator, learner, memory, modes: config.modes, progress, rules, door },
        about: () => learner.about,
        ...way,
      });
      control.attend(node);
      const outcome = await node.run();
      for (const [runId, ended] of node.outcomes) await passOver(memory, runId, ended);
      await conclude(outcome, { home, learner, memory, log, progress }).catch((error: unknown) => {
        const isForNext = outcome.ended === 'refused-here' && REFUSED_AT_ONCE.includes(outcome.code);
        if (!(stays && error instanceof HospitalError && (isForNext || error.code === 'RUN_ABORTED'))) throw error;
        const waiting = isForNext
          ? '; it waits for the next run, and is asked about this one when it starts again'
          : '';
        progress({ event: 'warning', message: `${error.code}: ${error.message}${waiting}` });
      });
    } while (stays);
  };
  await unwish(home, 'stopped');
  const { hospitalId: hospital } = credentials;
  const page = await openPage({ hospital, home, config, board, control, approvals, story }).catch((error: unknown) => {
    if (!(error instanceof HospitalError)) throw error;
    progress({ event: 'warning', message: `${error.code}: ${error.message}` });
    return undefined;
  });
  // Said and not logged: whoever has the link may look. What a service prints is kept by the system.
  if (page !== undefined) say({ event: 'page', url: isService ? page.url : page.link });
  try {
    // A stop ends the comparison after the run as well.
    await Promise.race([takePart(), control.stopped]);
  } finally {
    await page?.close();
    door.close();
    await control.close();
  }
}

/** What was refused is asked about again by the next process: its policy may be another by then. */
class StayingMemory extends FolderMemory {
  readonly refused = new Set<RunId>();

  override async isFinished(runId: RunId): Promise<boolean> {
    return this.refused.has(runId) || super.isFinished(runId);
  }
}

/** Of a run that leaves nothing to conclude, every synchronisation would bring the same end again. */
async function passOver(memory: StayingMemory, runId: RunId, outcome: NodeOutcome): Promise<void> {
  if (outcome.ended === 'refused-here') memory.refused.add(runId);
  const isOver = outcome.ended === 'aborted' || outcome.ended === 'finished';
  if (isOver && (outcome.model === undefined || outcome.config === undefined)) await memory.finish(runId);
}

interface Conclusion {
  readonly home: string;
  readonly learner: XrayLearner;
  readonly memory: RunMemory;
  readonly log: Logger;
  readonly progress: (step: StartProgress) => void;
}

async function conclude(outcome: NodeOutcome, { home, learner, memory, log, progress }: Conclusion): Promise<void> {
  log.info({ ended: outcome.ended }, 'the run has ended for this hospital');
  const { hospitalId } = await openIdentity(home);
  const { summary, model, runConfig } = await summarise(outcome, learner, hospitalId);
  for (const message of summary.warnings) progress({ event: 'warning', message });
  const folder = join(home, 'results');
  await mkdir(folder, { recursive: true });
  const files = await writeResults(folder, summary);
  await writeFile(join(folder, `${summary.run}.head`), floatBytes(model));
  await writeFile(join(folder, `${summary.run}.config.json`), JSON.stringify(runConfig));
  await memory.finish(runConfig.runId);
  progress({ event: 'finished', ...files });
  if (outcome.ended === 'aborted') {
    throw new HospitalError('RUN_ABORTED', `the coordinator ended the run early: ${outcome.reason}`);
  }
}

/** The policy bounds what hospital.yaml asks of the machine. */
const withinPolicy = (config: HospitalConfig, policy: Policy | undefined): HospitalConfig => ({
  ...config,
  threads: Math.min(config.threads, policy?.coresMax ?? config.threads),
});

async function summarise(
  outcome: NodeOutcome,
  learner: XrayLearner,
  hospital: string,
): Promise<{ summary: Summary; model: Float32Array; runConfig: RunConfig }> {
  if (outcome.ended === 'refused-there') {
    const code = outcome.error.code === 'COORDINATOR_UNKNOWN' ? 'COORDINATOR_UNKNOWN' : 'REFUSED_BY_COORDINATOR';
    throw new HospitalError(code, `${outcome.error.code}: ${outcome.error.message}`);
  }
  if (outcome.ended === 'refused-here') {
    const why = outcome.detail === '' ? '' : `: ${outcome.detail}`;
    throw new HospitalError('REFUSED_HERE', `this hospital does not take part, ${outcome.code}${why}`);
  }
  if (outcome.ended === 'stopped') throw new HospitalError('STOPPED', 'a person stopped this hospital');
  const { model, config } = outcome;
  if (model === undefined || config === undefined) {
    throw new HospitalError('RUN_ABORTED', `the run ended before this hospital finished a round: ${outcome.reason}`);
  }
  const runConfig = config.body;
  const split = learner.split(runConfig);
  const { train, validation, test, testPatients, quarantined } = split;
  const { backbone, engineId } = learner.data;
  const alone = await fitAlone(learner.backend, runConfig, split, `${runConfig.seed}/${hospital}/local-only`);
  const localOnly = assessHead(runConfig, alone.parameters, test, testPatients);
  const federated = assessHead(runConfig, model, test, testPatients);
  const summary: Summary = {
    hospital,
    run: runConfig.runId,
    rounds: outcome.rounds,
    train: train.labels.length,
    validation: validation.labels.length,
    test: test.labels.length,
    quarantined: Object.fromEntries(quarantined),
    warnings: warnings(runConfig, split),
    bytesSent: outcome.sentBytes,
    seconds: outcome.seconds,
    backbone: { name: backbone.name, hash: backbone.hash, trained: backbone.trained },
    engine: engineId,
    trainer: learner.backend.id,
    mode: runConfig.mode,
    whoSees: whoSees(runConfig),
    collusion: collusionOf(runConfig),
    sums: outcome.sums,
    localOnly: metricsOf(localOnly),
    federated: metricsOf(federated),
    details: { study: runConfig.study.name, labels: runConfig.study.labels, localOnly, federated },
  };
  return { summary, model, runConfig };
}

function warnings({ study, training }: RunConfig, { train, validation, test, quarantined }: Split): string[] {
  const present = [...new Set(train.labels)].map((label) => study.labels[label] as string);
  const stopsBlindly = training.earlyStopPatienceEpochs > 0 && validation.labels.length === 0;
  return [
    ...(present.length === 1 ? [`ONE_CLASS_ONLY: every training image here is ${String(present[0])}`] : []),
    ...(stopsBlindly
      ? ['NO_VALIDATION_IMAGES: this run stops early, but not here, where nothing is held out to see when']
      : []),
    ...(test.labels.length === 0
      ? ['NO_TEST_IMAGES: nothing is held out here, so there are no figures for this hospital']
      : []),
    ...[...quarantined].map(([code, n]) => `${code}: ${n} image${n === 1 ? '' : 's'} quarantined`),
  ];
}
