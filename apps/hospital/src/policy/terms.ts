/** What a configuration or a plan promises, in the words of a policy. */
import { sealedSizeBytes } from '@consilium/crypto';
import { headTensors, ModelSpecError, parameterCount } from '@consilium/model-spec';
import { promisedTerms, studyHash } from '@consilium/operator-api';
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

export function runTerms(config: RunConfig): RunTerms {
  return {
    subject: 'run',
    studyHash: studyHash(config.study),
    ...promisedTerms(config, sealedSizeBytes),
    clipNorm: Number(config.clipNorm),
    tensors: tensorsOf(config),
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
