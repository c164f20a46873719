/** How the signed configuration of a run says to train, and the two trainings that there are: a round, and a head alone. */
import { trainHead, type Examples, type HeadBackend, type Schedule, type TrainingJob } from '@consilium/head';
import { initialParameters } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';

export interface FittedHead {
  /** float32, shape (parameters,). */
  readonly parameters: Float32Array;
  /** Mean training loss of the epoch that it is from, nats. */
  readonly loss: number;
}

type Parts = { readonly train: Examples; readonly validation: Examples };
type Place = Pick<TrainingJob, 'parameters' | 'epochs' | 'seed' | 'proximalMu' | 'signal'> & {
  readonly epochsBefore: number;
};

/**
 * Of one hospital in one round of one run: a second run with one hospital fewer must not give the same updates once more, whose
 * sums would differ by its update alone (libs/secagg/SPEC.md, section 9).
 */
export const roundSeed = (
  { seed, runId }: Pick<RunConfig, 'seed' | 'runId'>,
  hospital: string,
  round: number,
): string => `${seed}/${runId}/${hospital}/${round}`;

/** @param model - the shared head that the round starts from: what the proximal term ties the local one to. */
export function fitRound(
  backend: HeadBackend,
  config: RunConfig,
  model: Float32Array,
  parts: Parts,
  { round, ...given }: { readonly round: number; readonly seed: string; readonly signal?: AbortSignal },
): Promise<FittedHead> {
  const { epochs, proximalMu } = config.training;
  const epochsBefore = (round - 1) * epochs;
  return fit(backend, config, parts, {
    ...{ parameters: model, epochs, epochsBefore, ...given },
    proximalMu: Number(proximalMu),
  });
}

/**
 * For comparison: from the same start, for as many epochs and at the same learning rates as the whole run, but without the
 * others. There is no shared head to be tied to, so the proximal term is left out.
 */
export function fitAlone(backend: HeadBackend, config: RunConfig, parts: Parts, seed: string): Promise<FittedHead> {
  return fit(backend, config, parts, {
    parameters: initialParameters(config.head, config.seed),
    epochs: config.rounds * config.training.epochs,
    ...{ epochsBefore: 0, proximalMu: 0, seed },
  });
}

async function fit(
  backend: HeadBackend,
  { head, rounds, training }: RunConfig,
  { train, validation }: Parts,
  { epochsBefore, ...place }: Place,
): Promise<FittedHead> {
  const { batchSize, learningRate, l2, classWeights, earlyStopPatienceEpochs: patienceEpochs } = training;
  const stopsEarly = patienceEpochs > 0 && validation.labels.length > 0;
  const { parameters, lossPerEpoch, epoch } = await trainHead(backend, {
    ...place,
    spec: head,
    examples: train,
    ...{ batchSize, classWeights },
    learningRate: Number(learningRate),
    l2: Number(l2),
    schedule: scheduleOf(training.schedule),
    span: { epochsBefore, epochsOfRun: rounds * training.epochs },
    ...(stopsEarly && { earlyStop: { patienceEpochs, validation } }),
  });
  return { parameters, loss: lossPerEpoch[epoch - 1] ?? Number.NaN };
}

function scheduleOf(schedule: RunConfig['training']['schedule']): Schedule {
  switch (schedule.kind) {
    case 'constant':
      return schedule;
    case 'cosine':
      return { kind: schedule.kind, minFactor: Number(schedule.minFactor) };
    case 'step':
      return { ...schedule, factor: Number(schedule.factor) };
  }
}
