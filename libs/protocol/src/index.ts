export { ProtocolError, REFUSALS, isRefusalCode, type RefusalCode } from './errors.js';
export { limits } from './limits.js';
export { PROTOCOL_VERSION, negotiateVersion, type VersionRange } from './version.js';
export { hospitalIdSchema, type Digest, type HospitalId, type RunId } from './ids.js';
export { decimal, decimalSchema } from './decimal.js';
export { envelopeSchema, type Envelope } from './envelope.js';
export { openSelfSigned, openStatement, parseUnverified, signStatement, type Opened } from './sign.js';
export {
  payloadType,
  type Statement,
  type StatementName,
  type CoordinatorCard,
  type Enrolment,
  type Invitation,
  type MembershipStatus,
  type Challenge,
  type ChallengeAnswer,
  type RunConfig,
  type Consent,
  type Refusal,
  type Decline,
  type Plan,
  type UpdateStatement,
  type Aggregate,
  type Evaluation,
  type RunEnd,
  type SecAggPlanStatement,
  type SecAggAggregate,
} from './statements.js';
export {
  hows,
  memberStates,
  personSchema,
  roles,
  rosterDigest,
  spkiPinSchema,
  type How,
  type MemberState,
  type RosterLine,
} from './membership.js';
export { policyRules, type PolicyRule } from './policy-rules.js';
export type { ExcludedUpdate, RobustTerms } from './robust-terms.js';
export { evidenceSchema, revealedSchema } from './secagg-statements.js';
export * from './events.js';
