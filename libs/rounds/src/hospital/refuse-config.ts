/** What a hospital checks by itself before it consents to a run. */
import type { Digest, HospitalId, RunConfig } from '@consilium/protocol';
import type { LocalRefusal } from './state.js';

/** What this hospital has and accepts. */
export interface HospitalTerms {
  readonly hospitalId: HospitalId;
  /** Hex, 32 bytes. */
  readonly identityKey: string;
  readonly modes: readonly RunConfig['mode'][];
  /** Hash of the backbone that computed its embeddings. */
  readonly backbone: string;
  readonly preprocessing: string;
  readonly embeddingLength: number;
}

/**
 * @param recomputed - of the head that the configuration describes: its parameter count, and the digest of the initial
 *   model computed here from the public seed, so that the coordinator cannot choose the starting point.
 */
export function refuseConfig(
  config: RunConfig,
  terms: HospitalTerms,
  recomputed: { readonly parameters: number; readonly initialModel: Digest },
): LocalRefusal | undefined {
  const entry = config.roster.find(({ hospitalId }) => hospitalId === terms.hospitalId);
  if (entry?.identityKey !== terms.identityKey) return 'NOT_ON_ROSTER';
  if (!terms.modes.includes(config.mode)) return 'MODE_NOT_ACCEPTED';
  if (config.backbone !== terms.backbone) return 'BACKBONE_MISMATCH';
  if (config.preprocessing !== terms.preprocessing) return 'PREPROCESSING_MISMATCH';
  const { head, study, parameters } = config;
  if (head.inputs !== terms.embeddingLength || head.classes !== study.labels.length) return 'HEAD_MISMATCH';
  if (parameters !== recomputed.parameters) return 'HEAD_MISMATCH';
  if (config.initialModel !== recomputed.initialModel) return 'INITIAL_MODEL_MISMATCH';
  return undefined;
}
