/** `consilium-hospital start`: takes part in one run, then compares the shared head with one trained here alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { initialParameters } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';
import { readHospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { openIdentity, pinnedCoordinator } from '../home.js';
import { metricsOf, type Summary } from '../learning/summary.js';
import { fitHead, scoreHead, XrayLearner } from '../learning/xray-learner.js';
import { floatBytes } from '@consilium/tensors';
import { HospitalNode, type NodeOutcome, type NodeProgress } from '../run/node.js';

export type StartProgress =
  | NodeProgress
  | { readonly event: 'embedding'; readonly done: number; readonly total: number }
  | { readonly event: 'warning'; readonly message: string }
  | { readonly event: 'finished'; readonly file: string };

export async function start(home: string, configFile: string, say: (step: StartProgress) => void): Promise<void> {
  const credentials = { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
  const config = await readHospitalConfig(configFile);
  const log = pino(
    { base: { role: 'hospital', hospital: credentials.hospitalId } },
    pino.destination({ dest: join(home, 'hospital.log') }),
  );
  const progress = (step: StartProgress): void => {
    if (step.event !== 'embedding' || step.done === step.total) log.info(step);
    say(step);
  };
  const learner = new XrayLearner(config, credentials.hospitalId, (done, total) => {
    progress({ event: 'embedding', done, total });
  });
  const node = new HospitalNode({ ...credentials, url: config.coordinator, learner, modes: config.modes, progress });
  const outcome = await node.run();
  log.info({ ended: outcome.ended }, 'the run has ended for this hospital');
  const { summary, model, runConfig } = await summarise(outcome, learner, credentials.hospitalId);
  for (const message of summary.warnings) progress({ event: 'warning', message });
  const folder = join(home, 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${summary.run}.json`);
  await writeFile(file, `${JSON.stringify(summary, null, 2)}\n`);
  await writeFile(join(folder, `${summary.run}.head`), floatBytes(model));
  await writeFile(join(folder, `${summary.run}.config.json`), JSON.stringify(runConfig));
  progress({ event: 'finished', file });
  if (outcome.ended === 'aborted') {
    throw new HospitalError('RUN_ABORTED', `the coordinator ended the run early: ${outcome.reason}`);
  }
}

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
  const { model, config } = outcome;
  if (model === undefined || config === undefined) {
    throw new HospitalError('RUN_ABORTED', `the run ended before this hospital finished a round: ${outcome.reason}`);
  }
  const runConfig = config.body;
  const { train, validation, test, quarantined } = learner.split(runConfig);
  const { backbone, engineId } = learner.data;
  const alone = await fitHead(
    learner.backend,
    runConfig,
    initialParameters(runConfig.head, runConfig.seed),
    train,
    runConfig.rounds * runConfig.training.epochs,
    `${runConfig.seed}/${hospital}/local-only`,
  );
  const summary: Summary = {
    hospital,
    run: runConfig.runId,
    rounds: outcome.rounds,
    train: train.labels.length,
    validation: validation.labels.length,
    test: test.labels.length,
    quarantined: Object.fromEntries(quarantined),
    warnings: warnings(runConfig, train.labels, test.labels.length, quarantined),
    bytesSent: outcome.sentBytes,
    seconds: outcome.seconds,
    backbone: { name: backbone.name, hash: backbone.hash, trained: backbone.trained },
    engine: engineId,
    trainer: learner.backend.id,
    mode: runConfig.mode,
    localOnly: metricsOf(scoreHead(runConfig, alone.parameters, test)),
    federated: metricsOf(scoreHead(runConfig, model, test)),
  };
  return { summary, model, runConfig };
}

function warnings(
  { study }: RunConfig,
  trainLabels: Int32Array,
  test: number,
  quarantined: ReadonlyMap<string, number>,
): string[] {
  const present = [...new Set(trainLabels)].map((label) => study.labels[label] as string);
  return [
    ...(present.length === 1 ? [`ONE_CLASS_ONLY: every training image here is ${String(present[0])}`] : []),
    ...(test === 0 ? ['NO_TEST_IMAGES: nothing is held out here, so there are no figures for this hospital'] : []),
    ...[...quarantined].map(([code, n]) => `${code}: ${n} image${n === 1 ? '' : 's'} quarantined`),
  ];
}
