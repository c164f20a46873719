/**
 * The policy against what is asked for. Pure: the same question gets the same answer, and the tests ask each rule alone.
 * What a run does not promise counts as not given.
 */
import type { PolicyRule } from '@consilium/protocol';
import type { Policy } from './schema.js';
import type { RoundTerms, RunTerms } from './terms.js';
import { isWithin } from './units.js';

export interface LocalFacts {
  /** Patients in the training part; undefined before the data is read, which asks nothing. */
  readonly patients: number | undefined;
  /** By this machine's clock, 0 .. 1439. */
  readonly minuteOfDay: number;
  /** Resident memory of this process. */
  readonly memoryBytes: number;
  /** What the home folder and the cache hold. */
  readonly diskBytes: number;
}

type Check<T> = (policy: Policy, terms: T, facts: LocalFacts) => boolean;

/** Head, both moments, gradient, update and its sealed copy, and two of slack: float32 vectors of the head's length. */
const COPIES_WHILE_TRAINING = 8;

const tooFewPatients: Check<unknown> = ({ patientsMin }, _, { patients }) =>
  patients !== undefined && patients < patientsMin;

/** In this order; the first that is broken is named. */
const ofRuns: readonly (readonly [PolicyRule, Check<RunTerms>])[] = [
  ['STUDY_NOT_ALLOWED', ({ studies }, { studyHash }) => studies !== 'any' && !studies.includes(studyHash)],
  ['TRUST_MODE_NOT_ALLOWED', ({ trustModes }, { mode }) => !trustModes.includes(mode)],
  ['COHORT_TOO_SMALL', ({ cohortMin }, { cohort }) => !(cohort >= cohortMin)],
  [
    'COLLUSION_TOLERANCE',
    // Sealed updates are open to the coordinator alone: who allowed that mode was not promised any such tolerance.
    ({ collusionToleranceMin: min, collusionToleranceMax: max }, { mode, collusionTolerance: c }) =>
      mode === 'secagg' && !(c !== undefined && c >= min && c <= max),
  ],
  ['CLIP_NORM_TOO_LARGE', ({ clipNormMax }, { clipNorm }) => !(clipNorm <= clipNormMax)],
  [
    'NOISE_TOO_SMALL',
    ({ noiseMultiplierMin }, { noiseMultiplier }) =>
      noiseMultiplierMin > 0 && !((noiseMultiplier ?? 0) >= noiseMultiplierMin),
  ],
  [
    'EPSILON_TOO_LARGE',
    ({ epsilonMax }, { epsilon }) => epsilonMax !== 'any' && !((epsilon ?? Infinity) <= epsilonMax),
  ],
  [
    'TENSOR_NOT_ALLOWED',
    ({ tensors: allowed }, { tensors }) =>
      tensors === undefined || (allowed !== 'head' && !tensors.every((name) => allowed.includes(name))),
  ],
  ['BYTES_PER_ROUND', ({ sentPerRoundMax }, { sentBytes }) => !(sentBytes <= sentPerRoundMax)],
  ['TOO_FEW_PATIENTS', tooFewPatients],
];

const ofRounds: readonly (readonly [PolicyRule, Check<RoundTerms>])[] = [
  ['COHORT_TOO_SMALL', ({ cohortMin }, { cohort }) => cohort < cohortMin],
  ['TOO_FEW_PATIENTS', tooFewPatients],
  [
    'OUTSIDE_HOURS',
    ({ hours }, _, { minuteOfDay }) => hours !== 'always' && !hours.some((h) => isWithin(h, minuteOfDay)),
  ],
  [
    'MEMORY',
    ({ memoryMax }, { parameters }, { memoryBytes }) =>
      memoryBytes + 4 * parameters * COPIES_WHILE_TRAINING > memoryMax,
  ],
  ['DISK', ({ diskMax }, { parameters }, { diskBytes }) => diskBytes + 4 * parameters > diskMax],
];

/** @returns The first rule that is broken, or undefined. */
export function refusalByPolicy(
  policy: Policy,
  terms: RunTerms | RoundTerms,
  facts: LocalFacts,
): PolicyRule | undefined {
  const broken =
    terms.subject === 'run'
      ? ofRuns.find(([, isBroken]) => isBroken(policy, terms, facts))
      : ofRounds.find(([, isBroken]) => isBroken(policy, terms, facts));
  return broken?.[0];
}
