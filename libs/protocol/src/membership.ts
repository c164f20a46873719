/**
 * What is said about who belongs to a consortium: invitations, joining, comparing, changing a key, leaving. The key that signs
 * stands inside of most of these: who may have it is for the reader to judge.
 */
import { z } from 'zod';
import { canonicalBytes, sha256Hex } from '@consilium/bytes';
import { envelopeSchema } from './envelope.js';
import { digestSchema, hex32Schema, hospitalIdSchema, type Digest, type HospitalId } from './ids.js';
import { limits } from './limits.js';

const v = z.literal(1);
const at = z.iso.datetime().max(30);
/** What people typed: shown as text, bounded, one line. */
const person = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'expected one line of text');

const address = z.url({ protocol: /^https?$/ }).max(300);

export const roles = ['hospital', 'auditor'] as const;
export const hows = ['phone', 'video', 'in-person'] as const;
export const memberStates = ['provisional', 'active', 'revoked'] as const;
export type MemberState = (typeof memberStates)[number];
export type How = (typeof hows)[number];

export const personSchema = person;
export const spkiPinSchema = z
  .string()
  .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/)
  .max(51);
const invitationId = z.string().regex(/^[0-9a-f]{16}$/);

const compared = {
  /** Of the roster that was compared: see {@link rosterDigest}. */
  rosterDigest: digestSchema,
  comparedBy: person,
  how: z.enum(hows),
  at,
} as const;

export const membershipStatements = {
  /** One file for one hospital, signed by the coordinator whose key is inside. It is a secret until it is used: it has the token. */
  invitation: z.strictObject({
    v,
    invitationId,
    /** The coordinator's. */
    identityKey: hex32Schema,
    /** The coordinator's card, as hospitals pin it; it has the same key. */
    card: envelopeSchema,
    address,
    /** SHA-256 of the public key of the coordinator's TLS certificate; null: any that a trusted authority vouches for. */
    tlsPin: z.nullable(spkiPinSchema),
    hospitalId: hospitalIdSchema,
    displayName: person,
    role: z.enum(roles),
    expiresAt: at,
    token: hex32Schema,
  }),
  /** Signed with the identity key inside: proof of possession over the challenge, the token's hash and all keys. */
  join: z.strictObject({
    v,
    hospitalId: hospitalIdSchema,
    role: z.enum(roles),
    tokenHash: digestSchema,
    identityKey: hex32Schema,
    witnessKey: hex32Schema,
    coordinatorKey: hex32Schema,
    address,
    clientNonce: hex32Schema,
    serverNonce: hex32Schema,
  }),
  /** Signed with the witness key: its owner is the owner of the identity. */
  'witness-proof': z.strictObject({
    v,
    hospitalId: hospitalIdSchema,
    identityKey: hex32Schema,
    witnessKey: hex32Schema,
    serverNonce: hex32Schema,
  }),
  /** The coordinator's people have compared the words. */
  approval: z.strictObject({
    v,
    from: z.literal('coordinator'),
    hospitalId: hospitalIdSchema,
    identityKey: hex32Schema,
    ...compared,
  }),
  /** The hospital's people have compared the words. */
  verification: z.strictObject({ v, from: hospitalIdSchema, ...compared }),
  /** Signed twice: by the old key, which allows it, and by the new one, which thereby exists. */
  rotation: z.strictObject({
    v,
    hospitalId: hospitalIdSchema,
    coordinatorKey: hex32Schema,
    oldKey: hex32Schema,
    newKey: hex32Schema,
    at,
  }),
  /** By the hospital itself, now or long before: any key that it has had since it joined may sign it. */
  revocation: z.strictObject({
    v,
    hospitalId: hospitalIdSchema,
    identityKey: hex32Schema,
    coordinatorKey: hex32Schema,
    at,
  }),
  /** What the coordinator tells a hospital about itself and the others. */
  'membership-status': z.strictObject({
    v,
    from: z.literal('coordinator'),
    hospitalId: hospitalIdSchema,
    identityKey: hex32Schema,
    state: z.enum(memberStates),
    /** Everybody who is not revoked, in the order of their names. */
    roster: z
      .array(
        z.strictObject({
          hospitalId: hospitalIdSchema,
          identityKey: hex32Schema,
          state: z.enum(['provisional', 'active']),
        }),
      )
      .max(limits.hospitals),
    approval: z.nullable(envelopeSchema),
    /** The digest of the roster that this hospital has verified; null: none yet. */
    verifiedRoster: z.nullable(digestSchema),
    /** What was tried in its name, oldest first. */
    refusals: z.array(z.strictObject({ at, code: z.string().max(40) })).max(limits.membershipRefusals),
    at,
  }),
} as const;

export interface RosterLine {
  readonly hospitalId: HospitalId;
  readonly identityKey: string;
}

/**
 * What people compare as words: names and keys of everybody who is not revoked. Whether somebody is provisional is not in it,
 * so that an approval does not change the words that it was given for.
 */
export function rosterDigest(roster: readonly RosterLine[]): Digest {
  const lines = roster
    .map(({ hospitalId, identityKey }) => ({ hospitalId, identityKey }))
    .sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
  return sha256Hex(canonicalBytes(lines)) as Digest;
}
