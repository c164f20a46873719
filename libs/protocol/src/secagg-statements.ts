/**
 * What is said in a round of the mode `secagg`, as strict and bounded schemas; libs/secagg/SPEC.md says what it means and
 * who refuses what. Bytes are lower-case hex.
 */
import { z } from 'zod';
import { decimalSchema } from './decimal.js';
import { envelopeSchema } from './envelope.js';
import { digestSchema, hex32Schema, hospitalIdSchema, runIdSchema } from './ids.js';
import { limits } from './limits.js';

const RING_MAX = 2 ** 31 - 1;
const v = z.literal(1);
const round = z.int().min(1).max(limits.rounds);
const attempt = z.int().min(1).max(1_000);
const coordinator = z.literal('coordinator');
/** Where a hospital's shares lie. */
const x = z.int().min(1).max(limits.hospitals);
const sharedWithAll = <T extends z.ZodType>(one: T) => z.array(one).max(limits.hospitals);
const epochMs = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const said = { v, runId: runIdSchema, round, attempt, planDigest: digestSchema } as const;
const byHospital = { ...said, from: hospitalIdSchema } as const;
const byCoordinator = { ...said, from: coordinator } as const;
const session = { sessionId: digestSchema } as const;

/** The part of a run's configuration that only this mode has. */
export const secAggTerms = z.strictObject({
  /** c: hospitals that may collude with the coordinator without learning another's update. */
  tolerated: z.int().min(0).max(limits.hospitals),
  /** W: examples of one hospital that count at most; 1 where all count alike. */
  weightCap: z.int().min(1).max(RING_MAX),
  /** Largest ring element of one coordinate. */
  zMax: z.int().min(1).max(RING_MAX),
  /** How long each exchange of keys, shares and vectors may take; training has the round's own time. */
  stageTimeoutMs: z.int().min(1).max(86_400_000),
});

const metric = z.strictObject({ name: z.string().min(1).max(40), max: z.int().min(1).max(RING_MAX) });

const plan = z.strictObject({
  v,
  runId: runIdSchema,
  round,
  attempt,
  from: coordinator,
  mode: z.literal('secagg'),
  configDigest: digestSchema,
  /** SHA-256 of the head that every hospital starts from: float32 little-endian, shape (parameters,). */
  model: digestSchema,
  /** What is summed: updates and figures, or only the figures of the head that the last round ended with. */
  purpose: z.enum(['train', 'evaluate']),
  roster: sharedWithAll(z.strictObject({ hospitalId: hospitalIdSchema, identityKey: hex32Schema, x })),
  tolerated: secAggTerms.shape.tolerated,
  /** t: shares that rebuild a secret. */
  threshold: z.int().min(1).max(limits.hospitals),
  minCohort: z.int().min(1).max(limits.hospitals),
  weighting: z.enum(['examples', 'uniform']),
  clipNorm: decimalSchema,
  weightCap: secAggTerms.shape.weightCap,
  zMax: secAggTerms.shape.zMax,
  /** Coordinates of an update: 0 where only figures are summed. */
  parameters: z.int().min(0).max(16_777_216),
  metrics: z.array(metric).max(16),
  issuedAtMs: epochMs,
  deadlineMs: epochMs,
});

const advert = z.strictObject({
  ...byHospital,
  maskKey: hex32Schema,
  encryptionKey: hex32Schema,
  seedCommit: digestSchema,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});

const forward = z.strictObject({ x, envelope: envelopeSchema });
const roster = z.strictObject({ ...byCoordinator, adverts: sharedWithAll(forward) });

const shares = z.strictObject({ ...byHospital, ...session, shareRoot: digestSchema });

/** Session, two places and two shares, sealed. */
const SEALED_CHARACTERS = 200;
/** One recipient's shares; they travel beside the signed {@link shares}, whose root commits to all. */
export const parcelSchema = z.strictObject({
  x,
  sealed: z
    .string()
    .regex(/^[A-Za-z0-9+/=]*$/)
    .max(SEALED_CHARACTERS),
  selfSeedDigest: digestSchema,
  maskKeyDigest: digestSchema,
});

/** Levels of a Merkle tree over 200 parcels. */
const PATH = 8;
export const deliverySchema = z.strictObject({
  x,
  head: envelopeSchema,
  parcel: parcelSchema,
  proof: z.array(digestSchema).max(PATH),
});

/** Says that shares are there; each dealer's words for a hospital are read apart, since their signatures are the dealers'. */
const deliver = z.strictObject({ ...byCoordinator, ...session, dealers: sharedWithAll(x) });

const complaint = z.strictObject({ ...byHospital, ...session, accused: hospitalIdSchema });

const masked = z.strictObject({
  ...byHospital,
  ...session,
  /** Of the hospitals whose masks are in the vector. */
  u2Digest: digestSchema,
  words: z
    .int()
    .min(1)
    .max(limits.blobBytes / 4),
  yRoot: digestSchema,
  /** SHA-256 of the same bytes: names them on their way. */
  blobDigest: digestSchema,
  blobBytes: z.int().min(1).max(limits.blobBytes),
});

const survivors = z.strictObject({
  ...byCoordinator,
  ...session,
  survivors: sharedWithAll(z.strictObject({ x, yRoot: digestSchema })),
});
const agree = z.strictObject({ ...byHospital, ...session, survivorsDigest: digestSchema });
const unmaskRequest = z.strictObject({ ...byCoordinator, ...session, agrees: sharedWithAll(forward) });

const revealed = sharedWithAll(z.strictObject({ x, share: hex32Schema }));
const unmask = z.strictObject({ ...byHospital, ...session, selfSeeds: revealed, maskKeys: revealed });

const recovered = z.strictObject({ x, type: z.enum(['self-seed', 'mask-key']), digest: digestSchema });

/** The sum that was opened, and the head that every hospital computes from it too. */
const aggregate = z.strictObject({
  ...byCoordinator,
  ...session,
  survivors: sharedWithAll(x),
  /** SHA-256 of the sum: Int32 little-endian, shape (D,). */
  sumDigest: digestSchema,
  recovered: sharedWithAll(recovered),
  /** Of {@link evidenceSchema}, canonical JSON: what shows the sum to those who did not help to open it, and to auditors. */
  evidenceDigest: digestSchema,
  evidenceBytes: z.int().min(1).max(limits.evidenceBytes),
  /** Of the recovered secrets as {@link revealedSchema}, canonical JSON. */
  revealedDigest: digestSchema,
  revealedBytes: z.int().min(1).max(limits.statementBytes),
  /** Of the hashes of all vectors' chunks, in the order of `survivors`: for those who recompute samples of a long sum. */
  leavesDigest: digestSchema,
  leavesBytes: z.int().min(32).max(limits.blobBytes),
  model: digestSchema,
});

/**
 * Statements of hospitals as they signed them, each list in the order of x: the keys of the session, the vectors that are in the
 * sum, and the agreement of t hospitals to them.
 */
export const evidenceSchema = z.strictObject({
  adverts: sharedWithAll(forward),
  vectors: sharedWithAll(forward),
  agrees: sharedWithAll(forward),
});

/** What was recovered, in the order of `recovered`: public from here on, and useless without the vectors. */
export const revealedSchema = sharedWithAll(z.strictObject({ x, type: recovered.shape.type, secret: hex32Schema }));

export const secAggStatements = {
  'secagg-plan': plan,
  advert,
  roster,
  shares,
  deliver,
  complaint,
  masked,
  survivors,
  agree,
  'unmask-request': unmaskRequest,
  unmask,
  'secagg-aggregate': aggregate,
} as const;
