/**
 * The socket.io events. A hospital asks and the coordinator answers in the ack; the coordinator starts only one thing,
 * `statement`, which repeats what `sync` would return, so a lost push costs nothing but time.
 */
import { z } from 'zod';
import { envelopeSchema, largestEnvelopeSchema, type Envelope } from './envelope.js';
import { REFUSALS, type RefusalCode } from './errors.js';
import { digestSchema, hex32Schema, hospitalIdSchema, runIdSchema } from './ids.js';
import { limits } from './limits.js';
import { plainObject } from './plain-object.js';
import { deliverySchema, parcelSchema } from './secagg-statements.js';

export type Ack<T = object> =
  ({ readonly ok: true } & T) | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** What a hospital may send, by event name. */
export const requests = {
  hello: plainObject({
    versions: plainObject({ min: z.int().min(1), max: z.int().min(1) }),
    hospitalId: hospitalIdSchema,
    nonce: hex32Schema,
  }),
  prove: plainObject({ answer: envelopeSchema }),
  /** Instead of `prove`, once, by whoever has an invitation. */
  join: plainObject({ token: hex32Schema, statement: envelopeSchema, witness: envelopeSchema }),
  membership: plainObject({}),
  verify: plainObject({ statement: envelopeSchema }),
  rotate: plainObject({ old: envelopeSchema, new: envelopeSchema }),
  revoke: plainObject({ statement: envelopeSchema }),
  sync: plainObject({}),
  /** For the roster that people look at, and for nothing else: nobody decides by it. */
  about: plainObject({
    version: z
      .string()
      .max(40)
      .regex(/^[0-9A-Za-z.+-]+$/),
    engine: z
      .string()
      .max(40)
      .regex(/^[a-z0-9-]+$/),
    /** Milliseconds since 1970 by its own clock. */
    clockMs: z.int().min(0).max(8_640_000_000_000_000),
  }),
  consent: plainObject({ statement: envelopeSchema }),
  refuse: plainObject({ statement: envelopeSchema }),
  'blob.read': plainObject({
    runId: runIdSchema,
    digest: digestSchema,
    offset: z.int().min(0),
    length: z.int().min(1).max(limits.chunkBytes),
  }),
  /** The signed statement goes first: it bounds what may follow, before a byte of it is stored. */
  'update.offer': plainObject({ statement: envelopeSchema }),
  'update.chunk': plainObject({
    runId: runIdSchema,
    digest: digestSchema,
    offset: z.int().min(0),
    bytes: bytes.refine((chunk) => chunk.length >= 1 && chunk.length <= limits.chunkBytes),
  }),
  'update.commit': plainObject({ runId: runIdSchema, digest: digestSchema }),
  decline: plainObject({ statement: envelopeSchema }),
  evaluation: plainObject({ statement: envelopeSchema }),
  /** The hospital's part in a round of the mode secagg, one for each thing that it says. */
  advert: plainObject({ statement: envelopeSchema }),
  shares: plainObject({ statement: envelopeSchema, parcels: z.array(parcelSchema).max(limits.hospitals) }),
  complaint: plainObject({ statement: envelopeSchema }),
  agree: plainObject({ statement: envelopeSchema }),
  unmask: plainObject({ statement: envelopeSchema }),
  /** What the dealers of this attempt have for the hospital that asks. */
  'deliveries.read': plainObject({ runId: runIdSchema, planDigest: digestSchema }),
  /** How a completed round was planned and what it ended with: for a hospital that was away. */
  'round.read': plainObject({ runId: runIdSchema, round: z.int().min(1).max(limits.rounds) }),
} as const;

export type RequestName = keyof typeof requests;
export type Request<N extends RequestName> = z.infer<(typeof requests)[N]>;

/** What the coordinator answers, by event name. */
export interface Answers {
  hello: { readonly challenge: Envelope };
  prove: { readonly protocol: number };
  join: { readonly status: Envelope };
  membership: { readonly status: Envelope };
  verify: { readonly status: Envelope };
  rotate: { readonly status: Envelope };
  revoke: object;
  sync: { readonly statements: readonly Pushed[] };
  about: object;
  consent: object;
  refuse: object;
  'blob.read': { readonly bytes: Uint8Array; readonly sizeBytes: number };
  'update.offer': { readonly receivedBytes: number };
  'update.chunk': { readonly receivedBytes: number };
  'update.commit': object;
  decline: object;
  evaluation: object;
  advert: object;
  shares: object;
  complaint: object;
  agree: object;
  unmask: object;
  'deliveries.read': { readonly deliveries: readonly Delivery[] };
  'round.read': { readonly plan: Envelope; readonly aggregate: Envelope };
}

export type Parcel = z.infer<typeof parcelSchema>;
export type Delivery = z.infer<typeof deliverySchema>;

const pushedNames = [
  'run-config',
  'plan',
  'aggregate',
  'run-end',
  'secagg-plan',
  'roster',
  'deliver',
  'survivors',
  'unmask-request',
  'secagg-aggregate',
] as const;
export type PushedName = (typeof pushedNames)[number];

export const pushedSchema = plainObject({ name: z.enum(pushedNames), envelope: largestEnvelopeSchema });
/** A statement of the coordinator, as pushed by event `statement` and returned by `sync` in order of time. */
export type Pushed = z.infer<typeof pushedSchema>;

/** Answers are untrusted too: a hospital parses what a coordinator sends as strictly as the reverse. */
const refusal = plainObject({
  ok: z.literal(false),
  code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]),
  message: z.string().max(1_000),
});
const accepted = (shape: z.ZodRawShape): z.ZodType =>
  z.union([plainObject({ ok: z.literal(true), ...shape }), refusal]);
export const answers = {
  hello: accepted({ challenge: envelopeSchema }),
  prove: accepted({ protocol: z.int().min(1) }),
  join: accepted({ status: envelopeSchema }),
  membership: accepted({ status: envelopeSchema }),
  verify: accepted({ status: envelopeSchema }),
  rotate: accepted({ status: envelopeSchema }),
  revoke: accepted({}),
  about: accepted({}),
  sync: accepted({ statements: z.array(pushedSchema).max(limits.syncStatements) }),
  consent: accepted({}),
  refuse: accepted({}),
  'blob.read': accepted({
    bytes: bytes.refine((chunk) => chunk.length <= limits.chunkBytes),
    sizeBytes: z.int().min(0).max(limits.blobBytes),
  }),
  'update.offer': accepted({ receivedBytes: z.int().min(0) }),
  'update.chunk': accepted({ receivedBytes: z.int().min(0) }),
  'update.commit': accepted({}),
  decline: accepted({}),
  evaluation: accepted({}),
  advert: accepted({}),
  shares: accepted({}),
  complaint: accepted({}),
  agree: accepted({}),
  unmask: accepted({}),
  'deliveries.read': accepted({ deliveries: z.array(deliverySchema).max(limits.hospitals) }),
  'round.read': accepted({ plan: envelopeSchema, aggregate: envelopeSchema }),
} as const satisfies Record<RequestName, z.ZodType>;
