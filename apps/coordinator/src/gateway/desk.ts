/**
 * Where a hospital's requests are answered, free of any framework: parse -> check -> act -> ack. An answer is always an
 * ack, a refusal has a stable code, and no message of a peer can end the process.
 */
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { toHex } from '@consilium/bytes';
import { verifyStrict, type Identity } from '@consilium/crypto';
import {
  limits,
  openStatement,
  payloadType,
  ProtocolError,
  REFUSALS,
  requests,
  type Ack,
  type Answers,
  type Envelope,
  type HospitalId,
  type Opened,
  type Parcel,
  type Request,
  type RequestName,
} from '@consilium/protocol';
import { refuseWord, type SecureStage } from '@consilium/rounds';
import { StoreError } from '@consilium/store';
import type { Admission } from '../membership/admission.js';
import { inRequest } from '../operations/request-scope.js';
import type { Conductor } from '../run/conductor.js';
import type { Member, Office } from '../run/office.js';
import type { Progress } from '../run/progress.js';
import type { SecureRounds } from '../run/secure-rounds.js';
import { WORD_OF_STAGE } from '../run/secure-session.js';
import { RateLimit } from './rate.js';
import { EXPULSION_MS, recordable } from './expulsion.js';
import { Session, type KeyOf } from './session.js';
import type { Uploads } from './uploads.js';

/** What the desk needs of a socket. */
export interface Line {
  readonly id: string;
  cut(): void;
  /** What is written and not yet taken by the network; absent: nothing ever waits. */
  unsentBytes?(): number;
}

/** Of answers to one hospital: a slow reader waits for itself, and not in our memory. */
const UNSENT_BYTES = 524_288;
/** Reads of one hospital that wait for that, each without its bytes; an honest one asks for four at a time. */
const WAITING_READS = 256;

interface Caller {
  readonly session: Session;
  readonly rate: RateLimit;
  readonly line: Line;
  refusedBefore: boolean;
  /** Why it is no hospital any more; its line is about to be cut. */
  expelled: 'HOSPITAL_REVOKED' | 'SIGNATURE_INVALID' | undefined;
  waitingReads: number;
  /** The read before: one answer is written before the next one is made. */
  lastRead: Promise<void>;
}

export interface DeskParts {
  readonly identity: Identity;
  readonly keyOf: KeyOf;
  /** Absent: nobody joins or leaves over this desk. */
  readonly admission?: Admission;
  readonly office: Office;
  readonly uploads: Uploads;
  readonly log: Logger;
  readonly progress: (progress: Progress) => void;
  /** From the connection to the proof of identity; absent: that of the protocol. */
  readonly handshakeMs?: number;
}

type HospitalSays =
  | 'consent'
  | 'refusal'
  | 'update'
  | 'masked'
  | 'decline'
  | 'evaluation'
  | 'complaint'
  | (typeof WORD_OF_STAGE)[SecureStage];

export class Desk {
  readonly #callers = new Map<string, Caller>();
  readonly #hospitals = new Map<HospitalId, Caller>();
  /** Who took its leave when all its runs had ended: it knows the end. Who is just away may not. */
  readonly #done = new Set<HospitalId>();

  constructor(private readonly parts: DeskParts) {}

  get handshakeMs(): number {
    return this.parts.handshakeMs ?? limits.handshakeMs;
  }

  arrive(line: Line): void {
    const session = new Session(this.parts.identity, this.parts.keyOf);
    this.#callers.set(line.id, {
      session,
      rate: new RateLimit(),
      line,
      refusedBefore: false,
      expelled: undefined,
      waitingReads: 0,
      lastRead: Promise.resolve(),
    });
  }

  /** Who is on that line; undefined for a stranger. */
  hospitalOf(lineId: string): HospitalId | undefined {
    return this.#callers.get(lineId)?.session.hospitalId;
  }

  /** Counts one message. @returns Whether it is within the limit. */
  tolerates(lineId: string): boolean {
    return this.#callers.get(lineId)?.rate.take() ?? false;
  }

  /** @param saidGoodbye - the hospital closed the line itself; it was not lost. */
  leave(lineId: string, saidGoodbye = false): void {
    const caller = this.#callers.get(lineId);
    this.#callers.delete(lineId);
    const hospitalId = caller?.session.hospitalId;
    // An older connection of the same hospital that ends late says nothing about the newer one.
    if (caller === undefined || hospitalId === undefined || this.#hospitals.get(hospitalId) !== caller) return;
    this.#hospitals.delete(hospitalId);
    const runs = this.parts.office.of(memberOf(caller));
    if (saidGoodbye && runs.every(({ state }) => state.phase === 'ended')) this.#done.add(hospitalId);
    this.parts.progress({ event: 'disconnected', hospital: hospitalId });
    void this.#tell(caller, 'disconnected');
  }

  /**
   * Ends the session of a hospital whose key does not count any more: nothing more is taken from it, its runs go on without it
   * from their next plan, and its line is cut when the answer that may be under way is written.
   */
  expel(hospitalId: HospitalId, code: 'HOSPITAL_REVOKED' | 'SIGNATURE_INVALID'): void {
    const caller = this.#hospitals.get(hospitalId);
    if (caller === undefined) return;
    caller.expelled = code;
    this.#hospitals.delete(hospitalId);
    this.parts.progress({ event: 'disconnected', hospital: hospitalId });
    void this.#tell(caller, 'disconnected');
    void setTimeout(EXPULSION_MS).then(() => {
      caller.line.cut();
    });
  }

  /** Hospitals with a session. */
  present(): Member[] {
    return [...this.#hospitals.values()].map(memberOf);
  }

  async #tell(caller: Caller, type: 'connected' | 'disconnected'): Promise<void> {
    const member = memberOf(caller);
    const runs = this.parts.office.of(member);
    // Who does not lead any more has nothing to note.
    await Promise.all(runs.map((run) => run.accept({ type, hospitalId: member.hospitalId }).catch(() => false)));
  }

  /**
   * Resolves when every hospital has left that may not know the end of the run that ended last: those whose line, or whose
   * coordinator, was away when it ended, come back for it.
   *
   * @param leaveMs - how long those who are here may take to leave. @param returnMs - how long the others may take to come.
   */
  async empty(leaveMs: number, returnMs = 0): Promise<void> {
    const ended = this.parts.office.runs.findLast(({ state }) => state.phase === 'ended');
    const awaited = ended === undefined ? [] : [...ended.state.consented].filter((id) => !ended.state.absent.has(id));
    const startedMs = performance.now();
    let missedMs = startedMs;
    for (let nowMs = startedMs; ; nowMs = performance.now()) {
      const isMissed = awaited.some((id) => !this.#hospitals.has(id) && !this.#done.has(id));
      const isAwaited = isMissed && nowMs - startedMs < returnMs;
      if (isAwaited) missedMs = nowMs;
      else if (this.#hospitals.size === 0 || nowMs - missedMs >= leaveMs) return;
      await setTimeout(20);
    }
  }

  /** Under a request id of its own, which is in the log wherever this request fails. */
  answer<N extends RequestName>(name: N, lineId: string, input: unknown): Promise<Ack<Answers[N]>> {
    return inRequest((requestId) => this.#answer(name, lineId, input, requestId));
  }

  async #answer<N extends RequestName>(
    name: N,
    lineId: string,
    input: unknown,
    requestId: string,
  ): Promise<Ack<Answers[N]>> {
    const caller = this.#callers.get(lineId);
    try {
      if (caller === undefined) throw new ProtocolError('NOT_AUTHENTICATED');
      if (!caller.rate.take()) {
        caller.line.cut();
        throw new ProtocolError('RATE_LIMITED');
      }
      const parsed = requests[name].safeParse(input);
      if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', name);
      if (caller.expelled !== undefined) throw new ProtocolError(caller.expelled);
      const answer = await this.#act(name, caller, parsed.data as Request<N>);
      return { ok: true, ...answer };
    } catch (error) {
      return this.#refuse(name, caller, error, requestId);
    }
  }

  #refuse(
    name: RequestName,
    caller: Caller | undefined,
    error: unknown,
    requestId: string,
  ): { ok: false; code: ProtocolError['code']; message: string } {
    const hospital = caller?.session.hospitalId;
    if (error instanceof StoreError) {
      this.parts.log.error(
        { code: error.code, request: name, hospital, requestId },
        'the store refused; the hospital tries again',
      );
      return { ok: false, code: 'STORE_UNAVAILABLE', message: REFUSALS.STORE_UNAVAILABLE };
    }
    if (!(error instanceof ProtocolError)) {
      this.parts.log.error(
        { err: error, request: name, hospital, requestId },
        'a request failed inside the coordinator',
      );
      return { ok: false, code: 'INTERNAL', message: REFUSALS.INTERNAL };
    }
    // Of a stranger only the first is told: a flood of them must not fill the disk with lines.
    if (hospital !== undefined || caller?.refusedBefore === false) {
      this.parts.progress({ event: 'refused', hospital, request: name, code: error.code });
    }
    if (caller !== undefined) caller.refusedBefore = true;
    this.#keepRefusal(name, caller?.session.claimedId, error.code);
    return { ok: false, code: error.code, message: error.message };
  }

  /** Both sides are shown what was tried in the name of a hospital. */
  #keepRefusal(name: RequestName, hospitalId: HospitalId | undefined, code: ProtocolError['code']): void {
    if (hospitalId === undefined || !recordable(name, code)) return;
    this.parts.admission?.noteRefusal(hospitalId, name, code).catch((error: unknown) => {
      this.parts.log.error({ err: error, hospital: hospitalId, code }, 'a refusal could not be kept');
    });
  }

  #admission(): Admission {
    if (this.parts.admission === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN', 'nobody joins here');
    return this.parts.admission;
  }

  /** One row for each request: who may, and what it does. */
  async #act<N extends RequestName>(name: N, caller: Caller, request: Request<N>): Promise<Answers[N]> {
    const { office, uploads } = this.parts;
    const { session } = caller;
    const acts: { [K in RequestName]: (request: Request<K>) => Answers[K] | Promise<Answers[K]> } = {
      hello: (hello) => session.hello(hello),
      prove: async (proof) => {
        const answer = await session.prove(proof);
        // Gone while its key was looked up: nobody would ever notice that it left.
        if (!this.#callers.has(caller.line.id)) throw new ProtocolError('NOT_AUTHENTICATED');
        this.#welcome(caller);
        return answer;
      },
      join: async (request) => {
        const admission = this.#admission();
        await session.join((asked) => admission.join(request, asked));
        // Gone meanwhile: it has joined, and learns that when it tries again.
        if (!this.#callers.has(caller.line.id)) throw new ProtocolError('NOT_AUTHENTICATED');
        this.#welcome(caller);
        return { status: await admission.status(session.authenticated().hospitalId) };
      },
      membership: async () => ({ status: await this.#admission().status(session.authenticated().hospitalId) }),
      verify: async (request) => {
        const { hospitalId, key } = session.authenticated();
        await this.#admission().verify(hospitalId, key, request);
        return { status: await this.#admission().status(hospitalId) };
      },
      rotate: async (request) => {
        const { hospitalId, key } = session.authenticated();
        await this.#admission().rotate(hospitalId, key, request);
        return { status: await this.#admission().status(hospitalId) };
      },
      revoke: async (request) => {
        session.authenticated();
        await this.#admission().revoke(request);
        return {};
      },
      sync: async () => {
        const member = memberOf(caller);
        await this.#tell(caller, 'connected');
        const statements = office.of(member).flatMap((run) => run.current());
        return { statements: statements.slice(-limits.syncStatements) };
      },
      consent: async ({ statement }) => {
        const { hospitalId, run, opened } = this.#heard(caller, 'consent', statement);
        if (opened.body.configDigest !== run.config.digest) throw new ProtocolError('CONFIG_MISMATCH');
        const document = { digest: opened.digest, kind: 'consent', body: JSON.stringify(opened.envelope) };
        const changed = await run.accept({ type: 'consented', hospitalId }, { documents: [document] });
        if (changed) this.parts.progress({ event: 'consented', run: run.runId, hospital: hospitalId });
        return {};
      },
      refuse: async ({ statement }) => {
        const { hospitalId, run, opened } = this.#heard(caller, 'refusal', statement);
        if (opened.body.configDigest !== run.config.digest) throw new ProtocolError('CONFIG_MISMATCH');
        const { rule } = opened.body;
        // To this run it is as good as gone: nobody waits for it longer than for one whose line is lost.
        const document = { digest: opened.digest, kind: 'refusal', body: JSON.stringify(opened.envelope) };
        await run.accept({ type: 'disconnected', hospitalId }, { documents: [document] });
        this.parts.progress({ event: 'refused-by-hospital', run: run.runId, hospital: hospitalId, rule });
        return {};
      },
      'blob.read': async ({ runId, digest, offset, length }) => {
        const run = this.#runOf(caller, runId);
        await this.#drained(caller);
        return run.readPublished(digest, offset, length).catch((error: unknown) => {
          throw error instanceof StoreError && error.code === 'BLOB_UNKNOWN'
            ? new ProtocolError('BLOB_UNKNOWN')
            : error;
        });
      },
      'update.offer': ({ statement }) => {
        const name = statement.payloadType === payloadType('masked') ? 'masked' : 'update';
        const { hospitalId, run, opened } = this.#heard(caller, name, statement);
        return uploads.offer(hospitalId, opened, run);
      },
      'update.chunk': (chunk) => uploads.chunk(session.authenticated().hospitalId, chunk),
      'update.commit': (commit) => {
        const { hospitalId } = session.authenticated();
        return uploads.commit(hospitalId, commit, this.#runOf(caller, commit.runId));
      },
      decline: async ({ statement }) => {
        const { hospitalId, run, opened } = this.#heard(caller, 'decline', statement);
        const { planDigest } = opened.body;
        const document = { digest: opened.digest, kind: 'decline', body: JSON.stringify(opened.envelope) };
        await run.accept({ type: 'declined', hospitalId, planDigest }, { documents: [document] });
        return {};
      },
      evaluation: async ({ statement }) => {
        const { run, opened } = this.#heard(caller, 'evaluation', statement);
        // In the other mode one hospital's figures are nobody's business: they are summed under masks.
        if (run.secure !== undefined) throw new ProtocolError('MODE_MISMATCH');
        await run.acceptEvaluation(opened);
        return {};
      },
      advert: ({ statement }) => this.#word(caller, 'advertising', statement),
      shares: ({ statement, parcels }) => this.#word(caller, 'sharing', statement, parcels),
      agree: ({ statement }) => this.#word(caller, 'agreeing', statement),
      unmask: ({ statement }) => this.#word(caller, 'unmasking', statement),
      complaint: async ({ statement }) => {
        const { run, opened } = this.#heard(caller, 'complaint', statement);
        const refusal = refuseWord(run.state, 'masking', opened.body);
        if (refusal !== undefined) throw new ProtocolError(refusal);
        if (!(await secureOf(run).complain(opened))) throw new ProtocolError('SECAGG_REFUSED');
        return {};
      },
      'deliveries.read': ({ runId, planDigest }) => {
        const { hospitalId } = session.authenticated();
        return { deliveries: secureOf(this.#runOf(caller, runId)).deliveriesFor(hospitalId, planDigest) };
      },
      'round.read': async ({ runId, round }) => {
        const { plan, aggregate } = await secureOf(this.#runOf(caller, runId)).past(round);
        return { plan: plan.envelope, aggregate: aggregate.envelope };
      },
    };
    return acts[name](request);
  }

  /** What a hospital says at a stage of a secure round. Said again because the ack was lost, it counts already. */
  async #word(
    caller: Caller,
    stage: Exclude<SecureStage, 'masking'>,
    statement: Envelope,
    parcels?: readonly Parcel[],
  ): Promise<object> {
    const { run, opened } = this.#heard(caller, WORD_OF_STAGE[stage], statement);
    const secure = secureOf(run);
    const { from } = opened.body;
    if ('said' in run.state && run.state.said[stage].get(from)?.digest === opened.digest) return {};
    const refusal = refuseWord(run.state, stage, opened.body);
    const isEnough = secure.isEnough(stage, opened.body.planDigest);
    if (refusal === 'ROUND_CLOSED' && isEnough) return {};
    if (refusal !== undefined) throw new ProtocolError(refusal);
    const counts = await secure.hear(stage, opened, parcels === undefined ? {} : { parcels });
    if (!counts && !isEnough) throw new ProtocolError('ROUND_CLOSED');
    return {};
  }

  /** Resolves when the line has taken most of what was written to it. @throws {@link ProtocolError} `RATE_LIMITED`. */
  async #drained(caller: Caller): Promise<void> {
    if (caller.waitingReads >= WAITING_READS) throw new ProtocolError('RATE_LIMITED');
    caller.waitingReads += 1;
    const isSlow = (): boolean =>
      (caller.line.unsentBytes?.() ?? 0) > UNSENT_BYTES && this.#callers.has(caller.line.id);
    caller.lastRead = caller.lastRead.then(async () => {
      // By then the answer before is written: else all that came in one packet would find nothing unsent.
      await nextTurn();
      while (isSlow()) await setTimeout(10);
      caller.waitingReads -= 1;
    });
    await caller.lastRead;
  }

  /** A statement of this very hospital, signed with its key, about a run that it belongs to. */
  #heard<N extends HospitalSays>(
    caller: Caller,
    name: N,
    statement: Envelope,
  ): { readonly hospitalId: HospitalId; readonly run: Conductor; readonly opened: Opened<N> } {
    const { hospitalId, key } = caller.session.authenticated();
    const opened = openStatement(name, statement, (bytes, signature) => verifyStrict(key, bytes, signature));
    if (opened.body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
    return { hospitalId, run: this.#runOf(caller, opened.body.runId), opened };
  }

  /** A run of which this hospital is a member, under the key that it proved; of others it learns nothing. */
  #runOf(caller: Caller, runId: string): Conductor {
    const run = this.parts.office.of(memberOf(caller)).find((candidate) => candidate.runId === runId);
    if (run === undefined) throw new ProtocolError('RUN_UNKNOWN');
    return run;
  }

  #welcome(caller: Caller): void {
    const { hospitalId } = caller.session.authenticated();
    const older = this.#hospitals.get(hospitalId);
    // Behind a network that lost a connection silently, the newer one is the hospital.
    this.#hospitals.set(hospitalId, caller);
    this.#done.delete(hospitalId);
    if (older !== undefined && older !== caller) older.line.cut();
    else this.parts.progress({ event: 'connected', hospital: hospitalId });
  }
}

/** @throws {@link ProtocolError} `MODE_MISMATCH`. */
function secureOf({ secure }: Conductor): SecureRounds {
  if (secure === undefined) throw new ProtocolError('MODE_MISMATCH');
  return secure;
}

function memberOf({ session }: Caller): Member {
  const { hospitalId, key } = session.authenticated();
  return { hospitalId, identityKey: toHex(key) };
}
