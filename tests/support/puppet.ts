/**
 * A hospital's part in a secure round, played by hand with the real libs/secagg: it computes what an honest hospital would
 * say, and the test decides what is said. It keeps no promise about retries and has no durable record.
 */
import { canonicalBytes, fromHex, lengthPrefixed, toHex, type Json } from '@consilium/bytes';
import { digestBlob, hkdfSha256, keystreamWords, sha256Of, type Identity } from '@consilium/crypto';
import type { Delivery, Envelope, HospitalId, Opened, Parcel } from '@consilium/protocol';
import * as secagg from '@consilium/secagg';
import { openSigned } from './open-signed.js';
import { forge } from './raw-hospital.js';

const ANY: secagg.LocalPolicy = {
  ...{ minTolerated: 0, minCohort: 1 },
  ...{ maxPlanAgeMs: Number.MAX_SAFE_INTEGER, clockToleranceMs: Number.MAX_SAFE_INTEGER },
};
const CHECKSUM_WORDS = 4;

/** RFC 6962 written out a second time. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return sha256Of(Uint8Array.of(0), only);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256Of(Uint8Array.of(1), merkleRoot(leaves.slice(0, half)), merkleRoot(leaves.slice(half)));
}

/** What a dealer signs over its parcels. */
export const shareRootOf = (parcels: readonly Parcel[]): string => toHex(merkleRoot(parcels.map(canonicalBytes)));

/** What a hospital signs over a vector of less than 64 KiB. */
export const vectorRootOf = (vector: Uint32Array): string => toHex(merkleRoot([bytesOf(vector)]));

export const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array | Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Adds to one word of a vector or a sum, masked or not, and to its checksum words what then belongs there. */
export function addUnseen(words: Uint32Array | Int32Array, sessionId: string, at: number, amount: number): void {
  const plain = words.length - CHECKSUM_WORDS;
  words[at] = ((words[at] ?? 0) + amount) | 0;
  for (let i = 0; i < CHECKSUM_WORDS; i++) {
    const label = lengthPrefixed('consilium/secagg/v1/checksum', Uint8Array.of(i));
    const weights = keystreamWords(hkdfSha256(fromHex(sessionId), new Uint8Array(0), label), plain);
    words[plain + i] = ((words[plain + i] ?? 0) + Math.imul(weights[at] ?? 0, amount)) | 0;
  }
}

export class Puppet {
  advertised!: secagg.AdvertisedSession;
  dealt!: secagg.DealtSession;
  masked!: secagg.MaskedSession;
  agreed!: secagg.AgreedSession;
  #record: secagg.HospitalRecord;

  constructor(
    readonly hospitalId: HospitalId,
    readonly identity: Identity,
    readonly contribution: secagg.Contribution,
    runId: string,
  ) {
    this.#record = secagg.startRecord(runId);
  }

  sign(name: string, body: object): Envelope {
    return forge(name, canonicalBytes(body as Json), this.hospitalId, this.identity);
  }

  advert(plan: Opened<'secagg-plan'>) {
    const { round, issuedAtMs } = plan.body;
    this.#record = { ...this.#record, lastCompleted: round - 1, open: null };
    const step = secagg.advertise(this.#record, secagg.checkPlan(plan), this.hospitalId, ANY, issuedAtMs);
    this.#record = step.keep.record;
    this.advertised = step.keep.session;
    return step.send;
  }

  shares(roster: Opened<'roster'>) {
    const step = secagg.shareSecrets(this.#record, this.advertised, roster.body, openSigned);
    this.#record = step.keep.record;
    this.dealt = step.keep.session;
    return { statement: step.send.statement, parcels: step.send.parcels as Parcel[] };
  }

  mask(
    { body }: Opened<'deliver'>,
    deliveries: readonly Delivery[],
  ): { statement: secagg.Masked; vector: Uint32Array } {
    const { dealers, ...header } = body;
    const due = { ...header, deliveries: deliveries.filter(({ x }) => dealers.includes(x)) };
    const step = secagg.maskUpdate(this.#record, this.dealt, due, this.contribution, openSigned);
    this.#record = step.keep.record;
    this.masked = step.keep.session;
    return step.send;
  }

  /** The statement of these very words, honest or not. */
  announce(statement: object, vector: Uint32Array): object {
    const bytes = bytesOf(vector);
    return { ...statement, yRoot: vectorRootOf(vector), blobDigest: digestBlob(bytes), blobBytes: bytes.length };
  }

  agree(survivors: Opened<'survivors'>) {
    const step = secagg.agreeOnSurvivors(this.#record, this.masked, survivors.body);
    this.#record = step.keep.record;
    this.agreed = step.keep.session;
    return step.send;
  }

  unmask(request: Opened<'unmask-request'>) {
    const step = secagg.unmask(this.#record, this.agreed, request.body, openSigned);
    this.#record = step.keep.record;
    return step.send;
  }
}
