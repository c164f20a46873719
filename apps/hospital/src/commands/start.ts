/** `consilium-hospital start`: takes part in one run, then compares the shared head with one trained here alone. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { RunConfig } from '@consilium/protocol';
import { readHospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { openIdentity, pinnedCoordinator } from '../home.js';
import type { Split } from '../learning/local-data.js';
import { metricsOf, type Summary } from '../learning/summary.js';
import { assessHead } from '../learning/assessment.js';
import { fitAlone } from '../learning/fit-head.js';
import { XrayLearner } from '../learning/xray-learner.js';
import { writeResults } from '../report/write-results.js';
import { floatBytes } from '@consilium/tensors';
import { FolderMemory } from '../run/memory.js';
import { HospitalNode, type NodeOutcome, type NodeProgress } from '../run/node.js';

export type StartProgress =
  | NodeProgress
  | { readonly event: 'embedding'; readonly done: number; readonly total: number }
  | { readonly event: 'warning'; readonly message: string }
  /** Both files stay at the hospital. */
  | { readonly event: 'finished'; readonly file: string; readonly report: string };

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
  const memory = new FolderMemory(home);
  const node = new HospitalNode({
    ...{ ...credentials, url: config.coordinator, learner, memory, modes: config.modes, progress },
    ...(await trustedCertificates(config.caFile)),
  });
  const outcome = await node.run();
  log.info({ ended: outcome.ended }, 'the run has ended for this hospital');
  const { summary, model, runConfig } = await summarise(outcome, learner, credentials.hospitalId);
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

async function trustedCertificates(caFile: string | undefined): Promise<{ ca?: string }> {
  if (caFile === undefined) return {};
  const ca = await readFile(caFile, 'utf8').catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the certificates ${caFile}`);
  });
  return { ca };
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
