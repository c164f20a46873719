/** What a hospital says at the stages of a secure round, after its signature and its form were checked. */
import { ProtocolError, type Opened, type Parcel } from '@consilium/protocol';
import { refuseWord, type SecureStage } from '@consilium/rounds';
import type { Conductor } from '../run/conductor.js';
import type { SecureRounds } from '../run/secure-rounds.js';
import type { Word } from '../run/secure-session.js';

/** @throws {@link ProtocolError} `MODE_MISMATCH`. */
export function secureOf({ secure }: Conductor): SecureRounds {
  if (secure === undefined) throw new ProtocolError('MODE_MISMATCH');
  return secure;
}

/**
 * A word of any stage but `masking`, which comes as an upload. Said again because the ack was lost, it counts already.
 *
 * @throws {@link ProtocolError} with the reason why it is not taken.
 */
export async function hearWord(
  run: Conductor,
  stage: Exclude<SecureStage, 'masking'>,
  word: Word,
  parcels?: readonly Parcel[],
): Promise<void> {
  const secure = secureOf(run);
  const { from, planDigest } = word.body;
  if ('said' in run.state && run.state.said[stage].get(from)?.digest === word.digest) return;
  const refusal = refuseWord(run.state, stage, word.body);
  const isEnough = secure.isEnough(stage, planDigest);
  if (refusal === 'ROUND_CLOSED' && isEnough) return;
  if (refusal !== undefined) throw new ProtocolError(refusal);
  const counts = await secure.hear(stage, word, parcels === undefined ? {} : { parcels });
  if (!counts && !isEnough) throw new ProtocolError('ROUND_CLOSED');
}

/** @throws {@link ProtocolError} with the reason why it means nothing. */
export async function hearComplaint(run: Conductor, complaint: Opened<'complaint'>): Promise<void> {
  const refusal = refuseWord(run.state, 'masking', complaint.body);
  if (refusal !== undefined) throw new ProtocolError(refusal);
  if (!(await secureOf(run).complain(complaint))) throw new ProtocolError('SECAGG_REFUSED');
}
