/** The hospital's half of the signed challenge: who the coordinator is comes first, then who we are. */
import { randomBytes } from 'node:crypto';
import { toHex } from '@consilium/bytes';
import { signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import {
  openStatement,
  PROTOCOL_VERSION,
  ProtocolError,
  signStatement,
  type Answers,
  type Challenge,
  type HospitalId,
  type Request,
} from '@consilium/protocol';

/** Sends one request and returns its parsed answer; a refusal is thrown as {@link ProtocolError}. */
export type Ask = <N extends 'hello' | 'prove'>(name: N, request: Request<N>) => Promise<Answers[N]>;

export interface Credentials {
  readonly hospitalId: HospitalId;
  readonly identity: Identity;
  /** The coordinator's public key, pinned when its card was trusted. */
  readonly coordinatorKey: Uint8Array;
}

/**
 * Asks who the coordinator is.
 *
 * @returns Its challenge, verified: for this very question, under the pinned key.
 * @throws {@link ProtocolError} `COORDINATOR_UNKNOWN` if the other side does not hold that key.
 */
export async function challenged(
  ask: Ask,
  { hospitalId, coordinatorKey }: Pick<Credentials, 'hospitalId' | 'coordinatorKey'>,
): Promise<Challenge> {
  const nonce = toHex(randomBytes(32));
  const hello = await ask('hello', { versions: { min: 1, max: PROTOCOL_VERSION }, hospitalId, nonce });
  const { body } = openStatement('challenge', hello.challenge, (bytes, signature) => {
    if (!verifyStrict(coordinatorKey, bytes, signature)) throw new ProtocolError('COORDINATOR_UNKNOWN');
    return true;
  });
  // A signature over another nonce is an old one, played back.
  if (body.clientNonce !== nonce || body.hospitalId !== hospitalId) throw new ProtocolError('COORDINATOR_UNKNOWN');
  return body;
}

/** @throws {@link ProtocolError} `COORDINATOR_UNKNOWN` if the other side does not hold the pinned key. */
export async function shakeHands(ask: Ask, credentials: Credentials): Promise<void> {
  const { hospitalId, identity, coordinatorKey } = credentials;
  const body = await challenged(ask, credentials);
  const answer = signStatement(
    'challenge-answer',
    { ...body, coordinatorKey: toHex(coordinatorKey) },
    hospitalId,
    (bytes) => signBytes(identity, bytes),
  );
  await ask('prove', { answer: answer.envelope });
}
