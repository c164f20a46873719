/** The run file: one reviewed YAML file in which every field that has a unit says so, and the signed statement made of it. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { fewestUpdates } from '@consilium/aggregation';
import { digestBlob, sealedSizeBytes } from '@consilium/crypto';
import { initialParameters, parameterCount } from '@consilium/model-spec';
import {
  decimal,
  type Digest,
  type Enrolment,
  limits,
  type RobustTerms,
  type RunConfig,
  type RunId,
} from '@consilium/protocol';
import { SECURE_METRICS } from '@consilium/rounds';
import { LEAST_IN_SUM, leastInCohort, MAX_WORDS, usualTolerance, wordsOf } from '@consilium/secagg';
import { floatBytes } from '@consilium/tensors';
import { CoordinatorError } from './errors.js';
import { robustRuleOf } from './run/robust-sum.js';
import { runFileSchema, type RunFile } from '@consilium/operator-api';

export { runFileSchema, type RunFile } from '@consilium/operator-api';

/** What the file says, before defaults. @throws {@link CoordinatorError} `RUN_FILE_INVALID`. */
export async function readRunText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw new CoordinatorError('RUN_FILE_INVALID', `cannot read the run file ${file}`);
  });
}

/** @throws {@link CoordinatorError} `RUN_FILE_INVALID`, naming the field. */
export async function readRunFile(file: string): Promise<RunFile> {
  return parseRunFile(await readRunText(file), 'yaml', file);
}

/**
 * @param text - of any origin.
 * @param name - what a complaint calls it.
 * @throws {@link CoordinatorError} `RUN_FILE_INVALID`, with each bad field.
 */
export function parseRunFile(text: string, form: 'yaml' | 'json', name = 'the run file'): RunFile {
  const parsed = runFileSchema.safeParse(plainValue(text, form, name));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
  const sentences = fields.map(({ field, message }) => [field, message].filter(Boolean).join(': '));
  throw new CoordinatorError('RUN_FILE_INVALID', `${name}: ${sentences.join('; ')}`, fields);
}

/** As it was written. @throws {@link CoordinatorError} `RUN_FILE_INVALID`. */
export function plainValue(text: string, form: 'yaml' | 'json', name: string): unknown {
  try {
    return form === 'json' ? JSON.parse(text) : parse(text, { maxAliasCount: 0 });
  } catch {
    throw new CoordinatorError('RUN_FILE_INVALID', `${name} is not ${form.toUpperCase()}`);
  }
}

/** @throws {@link CoordinatorError} `TOO_FEW_ENROLLED` when the roster could never reach `minHospitals`. */
export function runConfig(file: RunFile, enrolled: readonly Enrolment[]): RunConfig {
  const wanted = file.hospitals ?? enrolled.map(({ hospitalId }) => hospitalId);
  const roster = enrolled
    .filter(({ hospitalId }) => wanted.includes(hospitalId))
    .map(({ hospitalId, identityKey }) => ({ hospitalId, identityKey }));
  const missing = wanted.filter((id) => !roster.some(({ hospitalId }) => hospitalId === id));
  if (missing.length > 0) throw new CoordinatorError('TOO_FEW_ENROLLED', `not enrolled: ${missing.join(', ')}`);
  if (roster.length < file.minHospitals) {
    throw new CoordinatorError(
      'TOO_FEW_ENROLLED',
      `${roster.length} enrolled, but the run asks for at least ${file.minHospitals}; enrol more, or lower minHospitals`,
    );
  }
  const secagg = secureTerms(file, roster.length);
  const aggregation = robustTermsOf(file);
  const head = { ...file.head, inputs: file.embeddingLength, classes: file.study.labels.length };
  const parameters = parameterCount(head);
  requireOneBlob(file, parameters);
  return {
    v: 1,
    runId: file.run as RunId,
    mode: file.mode,
    ...(secagg && { secagg }),
    study: file.study,
    head,
    parameters,
    seed: file.seed,
    initialModel: digestBlob(floatBytes(initialParameters(head, file.seed))) as Digest,
    backbone: file.backbone as Digest,
    preprocessing: file.preprocessing,
    training: {
      epochs: file.training.epochs,
      batchSize: file.training.batchSize,
      learningRate: decimal(file.training.learningRate, 9),
      schedule: signedSchedule(file.training.schedule),
      l2: decimal(file.training.l2, 9),
      proximalMu: decimal(file.training.proximalMu, 9),
      classWeights: file.training.classWeights,
      earlyStopPatienceEpochs: file.training.earlyStopPatienceEpochs,
    },
    weighting: file.weighting,
    ...(aggregation && { aggregation }),
    clipNorm: decimal(file.clipNorm),
    rounds: file.rounds,
    // No round is planned with fewer, so that c holds whoever comes.
    minHospitals: Math.max(file.minHospitals, secagg === undefined ? 1 : leastInCohort(secagg.tolerated)),
    server: serverOf(file.server),
    gatherTimeoutMs: milliseconds(file.gatherTimeoutSeconds),
    roundTimeoutMs: milliseconds(file.roundTimeoutSeconds),
    absenceGraceMs: milliseconds(file.absenceGraceSeconds),
    stragglers:
      file.stragglers === undefined
        ? null
        : { quorum: file.stragglers.quorum, afterMs: milliseconds(file.stragglers.afterSeconds) },
    selection: file.selection,
    roster,
  };
}

const RING_MAX = 2 ** 31 - 1;
/** Finer than the float32 of an update is of no use. */
const FINEST = 2 ** 29;

/** An update travels as one blob. @throws {@link CoordinatorError} `RUN_FILE_INVALID`. */
function requireOneBlob({ mode, head }: RunFile, parameters: number): void {
  const words = wordsOf(parameters, SECURE_METRICS.length);
  const fits = mode === 'secagg' ? words <= MAX_WORDS : sealedSizeBytes(4 * parameters) <= limits.blobBytes;
  if (fits) return;
  const field = head.kind === 'mlp' ? 'head.hidden' : 'embeddingLength';
  invalid(field, `a head of ${parameters} parameters is too large: an update has at most ${limits.blobBytes} bytes`);
}

/**
 * What a secure round needs beside the file: refused here, before anybody is asked, where it could not hold.
 *
 * @throws {@link CoordinatorError} `TOO_FEW_ENROLLED`, `RUN_FILE_INVALID`.
 */
function secureTerms(
  { mode, secagg, weighting, minHospitals }: RunFile,
  hospitals: number,
): RunConfig['secagg'] | undefined {
  if (mode === 'sealed') {
    if (weighting === 'uniform') invalid('weighting', 'uniform belongs to the mode secagg');
    return undefined;
  }
  if (hospitals < LEAST_IN_SUM) {
    throw new CoordinatorError(
      'TOO_FEW_ENROLLED',
      `secure aggregation needs at least ${LEAST_IN_SUM} hospitals, and this run has ${hospitals}; enrol more, or ask for mode: sealed, in which the coordinator can read each update`,
    );
  }
  if (minHospitals < 2) invalid('minHospitals', 'a sum of one update shows it; at least 2 in the mode secagg');
  const tolerated = secagg.tolerated ?? usualTolerance(hospitals);
  if (leastInCohort(tolerated) > hospitals) {
    invalid('secagg.tolerated', `of ${hospitals} hospitals at most ${hospitals - 2} may be tolerated`);
  }
  const weightCap = weighting === 'uniform' ? 1 : secagg.weightCap;
  if (hospitals * weightCap > RING_MAX) {
    invalid(
      'secagg.weightCap',
      `the sum of ${hospitals} weights could overflow; at most ${Math.floor(RING_MAX / hospitals)}`,
    );
  }
  return {
    ...{ tolerated, weightCap, zMax: Math.min(FINEST, Math.floor(RING_MAX / hospitals)) },
    stageTimeoutMs: milliseconds(secagg.stageTimeoutSeconds),
  };
}

/**
 * @returns undefined for the mean.
 * @throws {@link CoordinatorError} `RUN_FILE_INVALID` where the rule could not hold what it promises.
 */
function robustTermsOf({ mode, aggregation, minHospitals }: RunFile): RobustTerms | undefined {
  if (aggregation.rule === 'mean') return undefined;
  if (mode === 'secagg') {
    invalid(
      'aggregation',
      `${aggregation.rule} needs single updates, which nobody sees under masks; mode: sealed has them`,
    );
  }
  const fewest = fewestUpdates(robustRuleOf(aggregation));
  if (minHospitals < fewest) {
    invalid('minHospitals', `${aggregation.rule} means nothing with fewer than ${fewest} updates; at least ${fewest}`);
  }
  return aggregation;
}

function invalid(field: string, message: string): never {
  throw new CoordinatorError('RUN_FILE_INVALID', `${field}: ${message}`, [{ field, message }]);
}

const milliseconds = (seconds: number): number => Math.max(1, Math.round(seconds * 1_000));

/** Every number of the optimiser as the decimal that is signed. */
function serverOf({ optimizer, ...numbers }: RunFile['server']): RunConfig['server'] {
  const decimals = Object.entries(numbers).map(([name, value]) => [name, decimal(value, 9)]);
  return { optimizer, ...(Object.fromEntries(decimals) as object) } as RunConfig['server'];
}

function signedSchedule(schedule: RunFile['training']['schedule']): RunConfig['training']['schedule'] {
  switch (schedule.kind) {
    case 'constant':
      return schedule;
    case 'cosine':
      return { kind: schedule.kind, minFactor: decimal(schedule.minFactor, 9) };
    case 'step':
      return { ...schedule, factor: decimal(schedule.factor, 9) };
  }
}
