/** What a configuration or a plan promises, in the words of a policy. */
import { canonicalBytes, sha256Hex } from '@consilium/bytes';
import { sealedSizeBytes } from '@consilium/crypto';
import { headTensors, ModelSpecError, parameterCount } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';
import { cohortOf, type AnyPlan } from '@consilium/rounds';
import type { TrustMode } from './schema.js';

export interface RunTerms {
  readonly subject: 'run';
  readonly studyHash: string;
  readonly mode: TrustMode;
  /** Fewest hospitals whose updates are added up. */
  readonly cohort: number;
  /** Absent: the mode has no such notion, or the configuration does not say. */
  readonly collusionTolerance?: number;
  readonly clipNorm: number;
  /** Absent: no noise is promised. */
  readonly noiseMultiplier?: number;
  /** Absent: nothing is bounded. */
  readonly epsilon?: number;
  /** undefined: what would leave is not what the head consists of. */
  readonly tensors: readonly string[] | undefined;
  /** The most that one round sends when nothing has to be sent twice. */
  readonly sentBytes: number;
}

export interface RoundTerms {
  readonly subject: 'round';
  readonly cohort: number;
  readonly parameters: number;
}

/** Offer, commit, evaluation and the reading of a head in chunks. */
const WORDS_BYTES = 65_536;
/** One hospital's encrypted shares, and the shares that open a sum. */
const PARCEL_BYTES = 600;

/** SHA-256 over the canonical JSON of the study: its name and its labels in order. */
export const studyHash = (study: RunConfig['study']): string => sha256Hex(canonicalBytes(study));

export function runTerms(config: RunConfig): RunTerms {
  return {
    subject: 'run',
    studyHash: studyHash(config.study),
    mode: config.mode,
    cohort: Math.min(config.minHospitals, config.stragglers?.quorum ?? Infinity),
    clipNorm: Number(config.clipNorm),
    tensors: tensorsOf(config),
    ...(config.secagg && { collusionTolerance: config.secagg.tolerated }),
    sentBytes:
      config.mode === 'secagg'
        ? 4 * config.parameters + WORDS_BYTES + PARCEL_BYTES * config.roster.length
        : sealedSizeBytes(4 * config.parameters) + WORDS_BYTES,
  };
}

export const roundTerms = (plan: AnyPlan, { parameters }: RunConfig): RoundTerms => ({
  subject: 'round',
  cohort: cohortOf(plan).length,
  parameters,
});

function tensorsOf({ head, parameters }: RunConfig): readonly string[] | undefined {
  try {
    return parameterCount(head) === parameters ? headTensors(head).map(({ name }) => name) : undefined;
  } catch (error) {
    if (error instanceof ModelSpecError) return undefined;
    throw error;
  }
}
