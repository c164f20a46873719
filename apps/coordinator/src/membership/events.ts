/** What may happen to the membership of a consortium: one entry of its journal for each. */
import { z } from 'zod';
import { envelopeSchema, hospitalIdSchema, hows, personSchema, roles } from '@consilium/protocol';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const at = z.iso.datetime();
const invitationId = z.string().regex(/^[0-9a-f]{16}$/);
/** The operator who did it, as the coordinator knows them; `cli` is whoever can write in the home folder. */
const by = z.string().max(100);
const reason = personSchema;

export const membershipEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('invited'),
    invitationId,
    hospitalId: hospitalIdSchema,
    displayName: personSchema,
    role: z.enum(roles),
    expiresAt: at,
    /** SHA-256 of the token; the token is in the file alone. */
    tokenHash: hex32,
    by,
  }),
  z.strictObject({ type: z.literal('invitation-cancelled'), invitationId, by }),
  z.strictObject({
    type: z.literal('joined'),
    invitationId,
    hospitalId: hospitalIdSchema,
    identityKey: hex32,
    witnessKey: hex32,
    statement: envelopeSchema,
  }),
  z.strictObject({
    type: z.literal('approved'),
    hospitalId: hospitalIdSchema,
    identityKey: hex32,
    rosterDigest: hex32,
    comparedBy: personSchema,
    how: z.enum(hows),
    statement: envelopeSchema,
    by,
  }),
  z.strictObject({
    type: z.literal('verified'),
    hospitalId: hospitalIdSchema,
    rosterDigest: hex32,
    comparedBy: personSchema,
    how: z.enum(hows),
    statement: envelopeSchema,
  }),
  z.strictObject({
    type: z.literal('rotated'),
    hospitalId: hospitalIdSchema,
    oldKey: hex32,
    newKey: hex32,
    /** By the old key and by the new one. */
    statements: z.tuple([envelopeSchema, envelopeSchema]),
  }),
  z.strictObject({
    type: z.literal('revoked'),
    hospitalId: hospitalIdSchema,
    identityKey: hex32,
    reason,
    by: z.union([z.strictObject({ operator: by }), z.strictObject({ hospital: envelopeSchema })]),
  }),
  /** Somebody tried what they may not, in the name of a hospital that is known or invited. */
  z.strictObject({
    type: z.literal('refused'),
    hospitalId: hospitalIdSchema,
    request: z.string().max(40),
    code: z.string().max(40),
  }),
]);

export type MembershipEvent = z.infer<typeof membershipEventSchema>;
export type MembershipEventOf<T extends MembershipEvent['type']> = Extract<MembershipEvent, { type: T }>;
