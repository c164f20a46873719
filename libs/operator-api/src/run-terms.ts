/** What a configuration comes to for one hospital: the same arithmetic at the hospital, which judges by it, and in the console. */
import type { RunConfig } from '@consilium/protocol';
import type { ApprovalTerms } from './approval-text.js';

/** Offer, commit, evaluation and the reading of a head in chunks. */
const WORDS_BYTES = 65_536;
/** One hospital's encrypted shares, and the shares that open a sum. */
const PARCEL_BYTES = 600;

export interface PromisedTerms extends ApprovalTerms {
  /** Absent: the mode has no such notion. */
  readonly collusionTolerance?: number;
}

/** @param sealedSizeBytes - of libs/crypto, which does not run in a browser. */
export function promisedTerms(config: RunConfig, sealedSizeBytes: (plaintextBytes: number) => number): PromisedTerms {
  const { mode, minHospitals, stragglers, secagg, aggregation, parameters, roster } = config;
  // Multi-Krum leaves so many out in every round.
  const leftOut = aggregation?.rule === 'multi-krum' ? aggregation.faulty + 2 : 0;
  return {
    mode,
    cohort: Math.max(1, Math.min(minHospitals, stragglers?.quorum ?? Infinity) - leftOut),
    ...(secagg && { collusionTolerance: secagg.tolerated }),
    sentBytes:
      mode === 'secagg'
        ? 4 * parameters + WORDS_BYTES + PARCEL_BYTES * roster.length
        : sealedSizeBytes(4 * parameters) + WORDS_BYTES,
  };
}
