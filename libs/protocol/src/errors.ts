/** Every reason for which a peer is refused: a stable code, and one sentence for people that says what to do. */

export const REFUSALS = {
  MESSAGE_INVALID: 'The message does not have the form that the protocol asks for.',
  VERSION_UNSUPPORTED: 'The two programs speak no common protocol version; update the older one.',
  NOT_AUTHENTICATED: 'Nothing works before the signed handshake.',
  HOSPITAL_UNKNOWN: 'This hospital is not enrolled with this coordinator.',
  HOSPITAL_REVOKED: 'This hospital was revoked: it takes part again only with a new key and a new invitation.',
  HOSPITAL_KNOWN: 'This hospital has joined already; a lost key is replaced by a new invitation after it was revoked.',
  KEY_IN_USE: 'This key belongs to another hospital, or belonged to one that was revoked; make a new one.',
  KEY_PROOF_INVALID: 'The sender has not shown that it holds the secret half of its keys.',
  INVITATION_UNKNOWN: 'The coordinator has given out no invitation with this token.',
  INVITATION_USED: 'This invitation was used before: if that was not you, tell the coordinator by phone at once.',
  INVITATION_EXPIRED: 'This invitation is too old; ask for a new one.',
  INVITATION_CANCELLED: 'This invitation was cancelled; ask for a new one.',
  INVITATION_ROLE: 'This invitation is for another role or another hospital.',
  ROSTER_CHANGED: 'The roster is not the one whose words were compared; compare the words as they are now.',
  COORDINATOR_UNKNOWN: 'The coordinator does not hold the key that this hospital has pinned.',
  TYPE_MISMATCH: 'The envelope holds another type of statement than the one expected.',
  SIGNATURE_INVALID: 'The signature does not verify under the enrolled key.',
  SENDER_MISMATCH: 'The statement names another sender than the session it came through.',
  RUN_UNKNOWN: 'The statement belongs to another run.',
  CONFIG_MISMATCH: 'The statement refers to another run configuration.',
  ROUND_CLOSED: 'No round is open for updates, or this one is already closed.',
  PLAN_MISMATCH: 'The statement was made for another plan than the one that is open.',
  NOT_IN_COHORT: 'The hospital is not part of this round.',
  UPDATE_DUPLICATE: 'The hospital already sent an update for this round; the first one counts.',
  PLAN_DECLINED: 'The hospital has said that it sends no update for this plan.',
  UPDATE_SIZE: 'The update does not have the size that the plan implies.',
  UPDATE_NOT_OFFERED: 'Chunks arrived for an update that was not offered.',
  CHUNK_OUT_OF_ORDER: 'The chunk does not start where the last one ended; offer the update again to learn where.',
  DIGEST_MISMATCH: 'The bytes do not have the digest that their signed statement names.',
  SEAL_INVALID: 'The update cannot be opened with this round key for this hospital, round and plan.',
  UPDATE_NOT_FINITE: 'The update holds a value that is not a finite number.',
  UPDATE_NOT_CLIPPED: 'The update is longer (L2 norm) than the run configuration allows.',
  MODE_MISMATCH: 'This is not said in the trust mode of the run.',
  SECAGG_REFUSED: 'The statement does not fit into this session of secure aggregation.',
  ROUND_UNKNOWN: 'This run has not completed such a round.',
  BLOB_UNKNOWN: 'There is no blob with this digest.',
  STORE_UNAVAILABLE: 'The coordinator cannot store anything at the moment; it is tried again by itself.',
  RATE_LIMITED: 'Too many messages or too many open connections.',
  INTERNAL: 'The other side failed; its own log has the reason.',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export const isRefusalCode = (code: unknown): code is RefusalCode =>
  typeof code === 'string' && Object.hasOwn(REFUSALS, code);

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  constructor(
    readonly code: RefusalCode,
    detail?: string,
  ) {
    super(detail === undefined ? REFUSALS[code] : `${REFUSALS[code]} (${detail})`);
  }
}
