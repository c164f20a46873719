/**
 * One attempt of a secure round in memory: libs/secagg between the log and the hospitals. Nothing here is decided, and
 * nothing is lost with it: from the words in the log every stage is closed again, to the byte.
 */
import { canonicalBytes, fromHex, toHex, type Json } from '@consilium/bytes';
import { digestBlob, verifyStrict } from '@consilium/crypto';
import {
  openStatement,
  parseUnverified,
  ProtocolError,
  type Delivery,
  type Digest,
  type HospitalId,
  type Opened,
  type Parcel,
} from '@consilium/protocol';
import type { SecureStage, SecureWords } from '@consilium/rounds';
import {
  acceptShares,
  acceptUnmask,
  checkAdvert,
  checkAgree,
  checkPlan,
  closeAgreement,
  closeRoster,
  closeShares,
  closeSurvivors,
  MaskedSum,
  openSum,
  SecAggError,
  type Aggregate,
  type CheckedPlan,
  type Cohort,
  type Dealing,
  type DealtCohort,
  type Evidence,
  type OpenedSum,
  type SurvivingCohort,
  type UnmaskRequest,
  type Roster,
  type Survivors,
} from '@consilium/secagg';

/** What hospitals say in a secure round, by stage. */
export const WORD_OF_STAGE = {
  advertising: 'advert',
  sharing: 'shares',
  masking: 'masked',
  agreeing: 'agree',
  unmasking: 'unmask',
} as const satisfies Record<SecureStage, string>;
export type Word = { [S in SecureStage]: Opened<(typeof WORD_OF_STAGE)[S]> }[SecureStage];

/** A word as it lies in the log: what is needed to close the stages again after a crash. */
interface StoredWord {
  readonly envelope: unknown;
  readonly parcels?: readonly Parcel[];
}

export const storedWord = ({ envelope }: Pick<Word, 'envelope'>, parcels?: readonly Parcel[]): string =>
  JSON.stringify({ envelope, ...(parcels && { parcels }) } satisfies StoredWord);

/** What the coordinator answers when a stage is over; of the last one it is the sum. */
export type Answer =
  | { readonly name: 'roster'; readonly body: Roster }
  | { readonly name: 'deliver'; readonly body: Opened<'deliver'>['body'] }
  | { readonly name: 'survivors'; readonly body: Survivors }
  | { readonly name: 'unmask-request'; readonly body: UnmaskRequest }
  | {
      readonly name: 'sum';
      readonly announced: Aggregate;
      readonly opened: OpenedSum;
      /** See {@link MaskedSum.leaves}. */
      readonly leaves: Uint8Array;
      readonly evidence: Evidence;
    };

/** Of a counted vector, when it is not in memory any more. */
export type VectorSource = (hospitalId: HospitalId, blobDigest: Digest) => Promise<Uint32Array>;

/** @throws {@link ProtocolError} `SECAGG_REFUSED` with the code of libs/secagg, which quotes no secret. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SecAggError) throw new ProtocolError('SECAGG_REFUSED', error.code);
    throw error;
  }
}

export class SecureSession {
  readonly plan: CheckedPlan;
  readonly #words = new Map<Digest, Word>();
  readonly #parcels = new Map<Digest, readonly Parcel[]>();
  readonly #vectors = new Map<Digest, Uint32Array>();
  readonly #answers = new Map<SecureStage, Answer>();
  #cohort: Cohort | undefined;
  readonly #dealings = new Map<Digest, Dealing>();
  #deliveries: ReadonlyMap<string, readonly Delivery[]> = new Map();
  #dealt: DealtCohort | undefined;
  #sum: MaskedSum | undefined;
  #surviving: SurvivingCohort | undefined;

  /** @param opened - of this coordinator's own making. @throws {@link SecAggError} `PLAN_UNSAFE`. */
  constructor(readonly opened: Opened<'secagg-plan'>) {
    this.plan = checkPlan(opened);
  }

  /** Length of a masked vector, bytes. */
  get vectorBytes(): number {
    return 4 * this.plan.words;
  }

  /**
   * Checks a word in full and keeps it for the end of its stage; whether it counts, the machine decides.
   *
   * @param word - its signature and form are checked. @param beside - what came beside it, hostile: parcels, or the vector.
   * @throws {@link ProtocolError} `SECAGG_REFUSED`, `ROUND_CLOSED`.
   */
  hear(
    stage: SecureStage,
    word: Word,
    beside: { readonly parcels?: readonly Parcel[]; readonly vector?: Uint32Array } = {},
  ): void {
    refusing(() => {
      switch (stage) {
        case 'advertising':
          checkAdvert(this.plan, (word as Opened<'advert'>).body);
          this.#requireOwnKeys(word as Opened<'advert'>);
          break;
        case 'sharing': {
          const { parcels = [] } = beside;
          const dealing = acceptShares(due(this.#cohort), word as Opened<'shares'>, parcels);
          this.#dealings.set(word.digest, dealing);
          this.#parcels.set(word.digest, parcels);
          break;
        }
        case 'masking': {
          const { vector = new Uint32Array(0) } = beside;
          due(this.#sum).check((word as Opened<'masked'>).body, vector);
          this.#vectors.set(word.digest, vector);
          break;
        }
        case 'agreeing':
          checkAgree(due(this.#surviving), (word as Opened<'agree'>).body);
          break;
        case 'unmasking':
          acceptUnmask(due(this.#surviving), (word as Opened<'unmask'>).body);
      }
    });
    this.#words.set(word.digest, word);
  }

  /**
   * Keys are fresh and unseen until the roster: who repeats one shares it, and is left out instead of ending the run then.
   *
   * @throws {@link SecAggError} `BAD_ADVERT`.
   */
  #requireOwnKeys({ body }: Opened<'advert'>): void {
    const keys = [body.maskKey, body.encryptionKey];
    for (const { body: other } of this.#words.values()) {
      if (!('seedCommit' in other) || other.from === body.from) continue;
      if (keys.includes(other.maskKey) || keys.includes(other.encryptionKey)) {
        throw new SecAggError('BAD_ADVERT', `${body.from} has a key of ${other.from}`, body.from);
      }
    }
  }

  /** A vector that counts goes into the sum at once, so that one is held and never n. One that does not is forgotten. */
  settle({ digest, body }: Opened<'masked'>, counts: boolean): void {
    const vector = this.#vectors.get(digest);
    this.#vectors.delete(digest);
    if (counts && vector !== undefined) this.#add(body, vector);
  }

  #add(body: Opened<'masked'>['body'], vector: Uint32Array): void {
    const sum = due(this.#sum);
    if (!sum.has(this.#xOf(body.from))) sum.add(body, vector);
  }

  /** What its dealers have for a hospital. @throws {@link ProtocolError} `ROUND_CLOSED`, `NOT_IN_COHORT`. */
  deliveriesFor(hospitalId: HospitalId): readonly Delivery[] {
    due(this.#dealt);
    const own = this.#deliveries.get(hospitalId);
    if (own === undefined) throw new ProtocolError('NOT_IN_COHORT');
    return own;
  }

  /**
   * Closes a stage over the words that count; again it gives the same answer.
   *
   * @throws {@link SecAggError} of the last stage, with the hospital that is to blame where it can be known.
   */
  async close(stage: SecureStage, said: SecureWords, vectorOf: VectorSource): Promise<Answer> {
    const answer = this.#answers.get(stage) ?? (await this.#answer(stage, said, vectorOf));
    this.#answers.set(stage, answer);
    return answer;
  }

  async #answer(stage: SecureStage, said: SecureWords, vectorOf: VectorSource): Promise<Answer> {
    const words = [...said[stage].values()].map(({ digest }) => this.#words.get(digest) as Word);
    switch (stage) {
      case 'advertising': {
        const { send, keep } = closeRoster(this.plan, words as Opened<'advert'>[]);
        this.#cohort = keep;
        return { name: 'roster', body: send };
      }
      case 'sharing': {
        const dealings = words.map(({ digest }) => this.#dealings.get(digest) as Dealing);
        const { send, keep } = closeShares(due(this.#cohort), dealings);
        this.#deliveries = new Map([...send].map(([id, { deliveries }]) => [id, deliveries as readonly Delivery[]]));
        this.#dealt = keep;
        this.#sum = new MaskedSum(keep);
        const { sessionId } = keep;
        const { v, runId, round, attempt } = this.opened.body;
        return {
          name: 'deliver',
          body: {
            ...{ v, runId, round, attempt, sessionId: sessionId as Digest },
            from: 'coordinator',
            planDigest: this.opened.digest,
            dealers: keep.dealt.map(({ x }) => x),
          },
        };
      }
      case 'masking': {
        for (const [hospitalId, { digest, blob }] of said.masking) {
          const { body } = this.#words.get(digest) as Opened<'masked'>;
          // It counts, and may have been settled, be about to be, or have been counted by a process before this one.
          const vector = this.#vectors.get(digest);
          if (vector !== undefined) this.settle({ digest, body } as Opened<'masked'>, true);
          else if (blob !== undefined && !this.#has(hospitalId))
            this.#add(body, await vectorOf(hospitalId, blob.digest));
        }
        const { send, keep } = closeSurvivors(due(this.#dealt), due(this.#sum));
        this.#surviving = keep;
        return { name: 'survivors', body: send };
      }
      case 'agreeing':
        return { name: 'unmask-request', body: closeAgreement(due(this.#surviving), words as Opened<'agree'>[]) };
      case 'unmasking': {
        const surviving = due(this.#surviving);
        const replies = (words as Opened<'unmask'>[]).map(({ body }) => acceptUnmask(surviving, body));
        const { send, keep } = openSum(surviving, replies);
        const { leaves } = due(this.#sum);
        return { name: 'sum', announced: send, opened: keep, leaves, evidence: this.#evidence(said) };
      }
    }
  }

  /** What hospitals have signed, for those who were not there. */
  #evidence(said: SecureWords): Evidence {
    const [roster, request] = [this.#answers.get('advertising'), this.#answers.get('agreeing')];
    if (roster?.name !== 'roster' || request?.name !== 'unmask-request') throw new ProtocolError('ROUND_CLOSED');
    const vectors = [...said.masking].map(([hospitalId, { digest }]) => ({
      x: this.#xOf(hospitalId),
      envelope: (this.#words.get(digest) as Word).envelope,
    }));
    vectors.sort((a, b) => a.x - b.x);
    return { adverts: roster.body.adverts, vectors, agrees: request.body.agrees };
  }

  #has(hospitalId: HospitalId): boolean {
    return due(this.#sum).has(this.#xOf(hospitalId));
  }

  #xOf(hospitalId: string): number {
    return this.plan.body.roster.find((entry) => entry.hospitalId === hospitalId)?.x ?? 0;
  }

  /** Takes a stored word back; it was checked when it came. */
  recall(stage: SecureStage, digest: Digest, text: string): void {
    const { envelope, parcels } = JSON.parse(text) as StoredWord;
    const from = this.#authorKey(stage, envelope);
    const word = openStatement(WORD_OF_STAGE[stage], envelope, (bytes, signature) =>
      verifyStrict(from, bytes, signature),
    );
    if (stage === 'masking') this.#words.set(digest, word);
    else this.hear(stage, word, { ...(parcels && { parcels }) });
  }

  #authorKey(stage: SecureStage, envelope: unknown): Uint8Array {
    const { from } = parseUnverified(WORD_OF_STAGE[stage], envelope).body;
    const author = this.plan.body.roster.find(({ hospitalId }) => hospitalId === from);
    return fromHex(author?.identityKey ?? '00'.repeat(32));
  }
}

/** @throws {@link ProtocolError} `ROUND_CLOSED` for what has no place before an earlier stage was closed. */
function due<T>(part: T | undefined): T {
  if (part === undefined) throw new ProtocolError('ROUND_CLOSED');
  return part;
}

/** As hospitals and auditors read it. */
export function evidenceBlob(evidence: Evidence): { readonly bytes: Uint8Array; readonly digest: Digest } {
  const bytes = canonicalBytes(evidence as unknown as Json);
  return { bytes, digest: digestBlob(bytes) as Digest };
}

/** The recovered secrets, as hospitals and auditors read them. */
export function revealedBlob({ recovered }: OpenedSum): { readonly bytes: Uint8Array; readonly digest: Digest } {
  const bytes = canonicalBytes(recovered.map(({ x, type, secret }) => ({ x, type, secret: toHex(secret) })));
  return { bytes, digest: digestBlob(bytes) as Digest };
}
