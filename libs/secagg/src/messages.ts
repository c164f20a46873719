/**
 * What is said, as types of statement bodies (SPEC section 5): bytes are lower-case hex, so that libs/protocol can give
 * each a schema without a second vocabulary. Only these and the vectors beside them may leave; a `keep` type has no body.
 */
import type { Json } from '@consilium/bytes';

export type Header = {
  readonly v: 1;
  readonly runId: string;
  readonly round: number;
  readonly attempt: number;
  readonly from: string;
  /** 64 hex digits, like every digest here. */
  readonly planDigest: string;
};
export type SessionHeader = Header & { readonly sessionId: string };

/** An envelope as it was signed. What is inside shows only when {@link OpenSigned} has verified it. */
export type Envelope = Json;

export type Advert = Header & {
  /** X25519 public keys. */
  readonly maskKey: string;
  readonly encryptionKey: string;
  readonly seedCommit: string;
  /** 16 bytes. */
  readonly nonce: string;
};

/** A hospital's statement on its way through the coordinator: verbatim, with whose it is said to be. */
export type Forward = { readonly x: number; readonly envelope: Envelope };

export type Roster = Header & { readonly adverts: readonly Forward[] };

export type Shares = SessionHeader & { readonly shareRoot: string };

/** Travels beside the signed {@link Shares}, whose root commits to all parcels. */
export type Parcel = {
  /** The recipient. */
  readonly x: number;
  /** Base64. */
  readonly sealed: string;
  readonly selfSeedDigest: string;
  readonly maskKeyDigest: string;
};

export type Delivery = {
  /** The dealer. */
  readonly x: number;
  readonly head: Envelope;
  readonly parcel: Parcel;
  readonly proof: readonly string[];
};
export type Deliver = SessionHeader & { readonly deliveries: readonly Delivery[] };

export type Complaint = SessionHeader & { readonly accused: string };

export type Masked = SessionHeader & { readonly u2Digest: string; readonly words: number; readonly yRoot: string };

export type Survivor = { readonly x: number; readonly yRoot: string };
export type Survivors = SessionHeader & { readonly survivors: readonly Survivor[] };

export type Agree = SessionHeader & { readonly survivorsDigest: string };
export type UnmaskRequest = SessionHeader & { readonly agrees: readonly Forward[] };

export type RevealedShare = { readonly x: number; readonly share: string };
export type Unmask = SessionHeader & {
  readonly selfSeeds: readonly RevealedShare[];
  readonly maskKeys: readonly RevealedShare[];
};

export type ShareType = 'self-seed' | 'mask-key';
export type Recovered = { readonly x: number; readonly type: ShareType; readonly digest: string };
export type Aggregate = SessionHeader & {
  readonly survivors: readonly number[];
  readonly sumDigest: string;
  readonly recovered: readonly Recovered[];
};

/** The statements that the coordinator forwards and hospitals therefore verify themselves. */
export type Forwarded = {
  readonly advert: Advert;
  readonly shares: Shares;
  readonly masked: Masked;
  readonly agree: Agree;
};

/** A statement whose signature was verified. */
export interface Opened<Body> {
  readonly body: Body;
  /** SHA-256 of what was signed; names the statement. */
  readonly digest: string;
  readonly envelope: Envelope;
}

/**
 * Port to the signed envelopes: parse, check the schema, and verify under this Ed25519 key (64 hex digits). MUST throw
 * otherwise. In production `openStatement` of libs/protocol over `verifyStrict` of libs/crypto.
 */
export type OpenSigned = <N extends keyof Forwarded>(
  name: N,
  envelope: Envelope,
  identityKey: string,
) => Opened<Forwarded[N]>;
