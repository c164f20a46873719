/**
 * The one door to the network. Through it goes what has a schema, as the schema reads it, after it was journalled, and
 * within the bytes that a round may take; nothing else has a way out.
 */
import { createHash, type Hash } from 'node:crypto';
import { requests, type Envelope, type RequestName } from '@consilium/protocol';
import { HospitalError } from '../errors.js';
import type { NewEntry } from './journal.js';
import { placeOf, PURPOSES, saidIn, type Place } from './purpose.js';

export interface Ledger {
  append(entry: NewEntry): void;
  /** On the disk when it resolves. */
  flush(): Promise<void>;
  /** On the disk when it returns; nothing is written after it. */
  close(): void;
}

export interface DoorTerms {
  /** Absent: nothing is written down. */
  readonly journal?: Ledger;
  /** The most that may leave in one round; asked for each message, because a person may change it. */
  readonly sentPerRoundMaxBytes?: () => number;
}

/** Chunks of one transfer are one entry, written before the next message of another kind. */
interface Transfer {
  readonly key: string;
  readonly type: RequestName;
  readonly place: Place;
  readonly hash: Hash;
  messages: number;
  sizeBytes: number;
}

/** Of these, many are one transfer. */
const CHUNKS: readonly RequestName[] = ['update.chunk', 'blob.read'];
/** What commits this hospital to something is on the disk before it leaves, with all that was written before it. */
const COMMITTING: readonly RequestName[] = [
  ...(['consent', 'refuse', 'update.commit', 'decline', 'evaluation'] as const),
  ...(['advert', 'shares', 'complaint', 'agree', 'unmask'] as const),
  ...(['join', 'verify', 'rotate', 'revoke'] as const),
];

const NOWHERE: Place = { runId: null, round: null };

export class EgressDoor {
  #transfer: Transfer | undefined;
  /** Where an update belongs, by its digest: its chunks do not say. */
  readonly #offered = new Map<string, Place>();
  #round: string | undefined;
  #sentInRound = 0;

  constructor(private readonly terms: DoorTerms = {}) {}

  /**
   * @returns What may be handed to the network.
   * @throws {@link HospitalError} `EGRESS_REFUSED` for what has no schema, does not fit it, or is too much for a round.
   * @throws Error when the journal cannot be written: then nothing is sent.
   */
  pass(name: RequestName, body: object): object {
    if (!Object.hasOwn(requests, name))
      throw new HospitalError('EGRESS_REFUSED', 'a message without a schema was to leave');
    const parsed = requests[name].safeParse(body);
    if (!parsed.success)
      throw new HospitalError('EGRESS_REFUSED', `a ${name} that does not fit its schema was to leave`);
    const leaving: object = parsed.data;
    const bytes = bytesOf(leaving);
    const place = this.#placeOf(name, leaving);
    this.#count(place, bytes.length);
    if (this.terms.journal !== undefined) this.#write(this.terms.journal, name, leaving, bytes, place);
    return leaving;
  }

  /** Resolves when a message of that name, which has passed, may be handed on. */
  async durable(name: RequestName): Promise<void> {
    if (COMMITTING.includes(name)) await this.terms.journal?.flush();
  }

  /** Writes down what is not yet written; nothing leaves after it. */
  close(): void {
    if (this.terms.journal === undefined) return;
    this.#end(this.terms.journal);
    this.terms.journal.close();
  }

  #write(journal: Ledger, name: RequestName, body: object, bytes: Uint8Array, place: Place): void {
    if (CHUNKS.includes(name)) {
      const key = `${name}/${String(place.runId)}/${'digest' in body ? String(body.digest) : ''}`;
      if (this.#transfer?.key !== key) {
        this.#end(journal);
        this.#transfer = { key, type: name, place, hash: createHash('sha256'), messages: 0, sizeBytes: 0 };
      }
      this.#transfer.hash.update(bytes);
      this.#transfer.messages += 1;
      this.#transfer.sizeBytes += bytes.length;
      return;
    }
    this.#end(journal);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    journal.append({ type: name, messages: 1, sizeBytes: bytes.length, sha256, purpose: PURPOSES[name], ...place });
  }

  #end(journal: Ledger): void {
    const ended = this.#transfer;
    this.#transfer = undefined;
    if (ended === undefined) return;
    const { type, messages, sizeBytes, hash, place } = ended;
    journal.append({ type, messages, sizeBytes, sha256: hash.digest('hex'), purpose: PURPOSES[type], ...place });
  }

  #placeOf(name: RequestName, body: object): Place {
    if ('statement' in body) {
      const said = saidIn(body.statement as Envelope);
      const place = placeOf(said);
      if (name === 'update.offer' && typeof said.blobDigest === 'string') {
        // One at a time is under way; an older one is over.
        this.#offered.clear();
        this.#offered.set(said.blobDigest, place);
      }
      return place;
    }
    const offered = 'digest' in body ? this.#offered.get(String(body.digest)) : undefined;
    return offered ?? ('runId' in body ? placeOf(body) : NOWHERE);
  }

  /** What says no round belongs to the latest. */
  #count({ runId, round }: Place, sizeBytes: number): void {
    if (runId !== null && round !== null && this.#round !== `${runId}/${round}`) {
      this.#round = `${runId}/${round}`;
      this.#sentInRound = 0;
    }
    const limit = this.terms.sentPerRoundMaxBytes?.() ?? Infinity;
    if (runId !== null && this.#sentInRound + sizeBytes > limit) {
      throw new HospitalError('EGRESS_REFUSED', 'this round has sent as much as the policy of this hospital allows');
    }
    this.#sentInRound += sizeBytes;
  }
}

/** Raw where the message is bytes, else its JSON text. */
export const bytesOf = (body: object): Uint8Array =>
  'bytes' in body && body.bytes instanceof Uint8Array ? body.bytes : Buffer.from(JSON.stringify(body));
