/** Who takes part, who is invited, and what people compare. */
import { z } from 'zod';
import { hospital, instant } from './fields.js';

const words = z.string().describe('12 words that people read to each other');
const how = z.enum(['phone', 'video', 'in-person']);
/** As the statements of the protocol bound it. */
const person = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'expected one line of text');
const hospitalId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a-z, 0-9 and inner hyphens, at most 63');
const comparison = z.strictObject({ at: instant, comparedBy: z.string(), how });

export const hospitalSchema = z.strictObject({
  id: hospital,
  displayName: z.string(),
  state: z.enum(['provisional', 'active', 'revoked']).describe('only active ones are in the roster of a new run'),
  fingerprint: z.string().describe('of its public key, as people compare it by phone'),
  words: words.describe('its public key as 12 words'),
  invited: z.strictObject({ at: instant, by: z.string() }),
  joinedAt: instant,
  rotatedAt: instant.nullable().describe('when its key was last changed'),
  approved: comparison.extend({ by: z.string().describe('the operator') }).nullable(),
  verified: comparison
    .extend({ isCurrent: z.boolean().describe('false: the roster has changed since') })
    .nullable()
    .describe('what its own people have compared'),
  revoked: z.strictObject({ at: instant, by: z.string(), reason: z.string() }).nullable(),
  refusals: z
    .array(z.strictObject({ at: instant, request: z.string(), code: z.string() }))
    .describe('what was tried in its name, oldest first'),
  connected: z.boolean(),
  lastSeen: z.iso.datetime().nullable().describe('null: not since this process began to lead'),
  version: z.string().nullable().describe('of its program; null: it has not said so since this process began to lead'),
  engine: z.string().nullable().describe('that computes features of images; null: as above'),
  clockAheadMs: z
    .number()
    .nullable()
    .describe('how far its clock is ahead of ours, the time on the way included; null: as above'),
});
export type HospitalView = z.infer<typeof hospitalSchema>;

export const rosterView = z.strictObject({
  words,
  digest: z.string(),
  hospitals: z.array(z.strictObject({ id: hospital, state: z.enum(['provisional', 'active']), words })),
});
export type RosterView = z.infer<typeof rosterView>;

export const newInvitation = z.strictObject({
  hospital: hospitalId,
  displayName: person.optional(),
  /** Where the hospital finds this coordinator; absent: where this very coordinator is reached by people. */
  address: z
    .url({ protocol: /^https?$/ })
    .max(300)
    .optional(),
  tlsPin: z
    .string()
    .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/)
    .optional(),
  validDays: z.number().positive().max(90).default(7),
  role: z.enum(['hospital', 'auditor']).default('hospital'),
});
export type NewInvitation = z.infer<typeof newInvitation>;

export const invitationView = z.strictObject({
  id: z.string(),
  hospital,
  displayName: z.string(),
  role: z.enum(['hospital', 'auditor']),
  state: z.enum(['open', 'used', 'cancelled', 'expired']),
  invitedAt: instant,
  by: z.string(),
  expiresAt: instant,
  usedAt: instant.nullable(),
});
export type InvitationView = z.infer<typeof invitationView>;

export const issuedInvitation = z.strictObject({
  id: z.string(),
  hospital,
  expiresAt: instant,
  fileName: z.string(),
  file: z.string().describe('the text of the file: a secret until it is used, and shown this once'),
  code: z.string().describe('6 words that the hospital reads back by phone'),
});
export type IssuedInvitation = z.infer<typeof issuedInvitation>;

export const approveHospital = z.strictObject({
  comparedBy: person,
  how,
  words: z.string().max(300).optional().describe('what was compared; refused when the roster has changed since'),
});
export const revokeHospital = z.strictObject({ reason: person });
export const revokeByFile = z.strictObject({ revocation: z.string().max(16_384).describe('the text of the file') });
