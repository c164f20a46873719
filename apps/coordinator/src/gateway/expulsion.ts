/** How a hospital whose key does not count any more is turned away, and what of it is kept. */
import type { RefusalCode, RequestName } from '@consilium/protocol';

/** Long enough for the answer that told it to be written; nothing else is answered meanwhile. */
export const EXPULSION_MS = 200;

const ABOUT_MEMBERSHIP: readonly RequestName[] = ['join', 'verify', 'rotate', 'revoke'];
/** Whatever was asked, these say that somebody used a key or a name that is not theirs. */
const ABOUT_KEYS: readonly RefusalCode[] = ['HOSPITAL_REVOKED', 'SIGNATURE_INVALID', 'SENDER_MISMATCH'];
const PASSING: readonly RefusalCode[] = ['RATE_LIMITED', 'STORE_UNAVAILABLE', 'NOT_AUTHENTICATED'];

/** Whether a refusal belongs into the record of the membership. */
export const recordable = (request: RequestName, code: RefusalCode): boolean =>
  ABOUT_KEYS.includes(code) || (ABOUT_MEMBERSHIP.includes(request) && !PASSING.includes(code));
