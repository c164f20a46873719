/** What each hospital would be asked, before anybody is: {@link askedOf}. */
import { approvalSubject, promisedTerms } from '@consilium/operator-api';
import { sealedSizeBytes, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type RunConfig } from '@consilium/protocol';
import type { CheckParts } from './run-check.js';

/** The hash is the one that the configuration will have: signatures are deterministic, and nothing is sent or kept. */
export const askedOf =
  (identity: Identity): CheckParts['asked'] =>
  (config: RunConfig) => {
    const signed = signStatement('run-config', config, 'coordinator', (bytes) => signBytes(identity, bytes));
    const terms = promisedTerms(config, sealedSizeBytes);
    return { approval: approvalSubject(signed, terms), bytesPerRound: terms.sentBytes };
  };
