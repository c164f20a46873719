/** What each hospital would be asked, before anybody is: {@link askedOf}. */
import { approvalSubject } from '@consilium/operator-api';
import { sealedSizeBytes, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type RunConfig } from '@consilium/protocol';
import type { CheckParts } from './run-check.js';

/** Offer, commit, evaluation and the reading of a head in chunks; as a hospital's policy counts them. */
const WORDS_BYTES = 65_536;

/** The hash is the one that the configuration will have: signatures are deterministic, and nothing is sent or kept. */
export const askedOf =
  (identity: Identity): CheckParts['asked'] =>
  (config: RunConfig) => {
    const signed = signStatement('run-config', config, 'coordinator', (bytes) => signBytes(identity, bytes));
    const sentBytes = sealedSizeBytes(4 * config.parameters) + WORDS_BYTES;
    const cohort = Math.min(config.minHospitals, config.stragglers?.quorum ?? Infinity);
    return { approval: approvalSubject(signed, { mode: config.mode, cohort, sentBytes }), bytesPerRound: sentBytes };
  };
