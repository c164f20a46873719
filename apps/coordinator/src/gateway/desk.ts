/**
 * Where a hospital's requests are answered, free of any framework: parse -> check -> act -> ack. An answer is always an
 * ack, a refusal has a stable code, and no message of a peer can end the process.
 */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
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
import type { SecureStage } from '@consilium/rounds';
import { StoreError } from '@consilium/store';
import type { Admission } from '../membership/admission.js';
import { inRequest } from '../operations/request-scope.js';
import type { Conductor } from '../run/conductor.js';
import { statementsOf } from '../run/latest-statements.js';
import type { Member, Office } from '../run/office.js';
import type { Progress } from '../run/progress.js';
import { WORD_OF_STAGE } from '../run/secure-session.js';
import { Caller, type Line } from './caller.js';
import { EXPULSION_MS } from './expulsion.js';
import { Refusals } from './refusals.js';
import { Session, type KeyOf } from './session.js';
import type { Uploads } from './uploads.js';
import { hearComplaint, hearWord, secureOf } from './words.js';

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

  readonly #refusals: Refusals;

  constructor(private readonly parts: DeskParts) {
    this.#refusals = new Refusals(parts);
  }

  get handshakeMs(): number {
    return this.parts.handshakeMs ?? limits.handshakeMs;
  }

  arrive(line: Line): void {
    this.#callers.set(line.id, new Caller(new Session(this.parts.identity, this.parts.keyOf), line));
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
    if (caller !== undefined) caller.isHere = false;
    const hospitalId = caller?.session.hospitalId;
    // An older connection of the same hospital that ends late says nothing about the newer one.
    if (caller === undefined || hospitalId === undefined || this.#hospitals.get(hospitalId) !== caller) return;
    this.#hospitals.delete(hospitalId);
    const runs = this.parts.office.of(caller.member);
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
    return [...this.#hospitals.values()].map(({ member }) => member);
  }

  async #tell(caller: Caller, type: 'connected' | 'disconnected'): Promise<void> {
    const member = caller.member;
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
      if (!caller.rate.take() || caller.isStuck) {
        // What came with the one that was too many is noted with it.
        if (caller.isFlooding) return { ok: false, code: 'RATE_LIMITED', message: REFUSALS.RATE_LIMITED };
        caller.isFlooding = true;
        // After the answer: a line that is cut carries no code any more.
        setImmediate(() => {
          caller.line.cut();
        });
        throw new ProtocolError('RATE_LIMITED');
      }
      const parsed = requests[name].safeParse(input);
      if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', name);
      if (caller.expelled !== undefined) throw new ProtocolError(caller.expelled);
      const answer = await this.#act(name, caller, parsed.data as Request<N>);
      return { ok: true, ...answer };
    } catch (error) {
      return this.#refusals.answer({ name, caller, requestId }, error);
    }
  }

  #admission(): Admission {
    if (this.parts.admission === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN', 'nobody joins here');
    return this.parts.admission;
  }

  /** One row for each request: who may, and what it does. */
  async #act<N extends RequestName>(name: N, caller: Caller, request: Request<N>): Promise<Answers[N]> {
    const { office, uploads } = this.parts;
    const { session } = caller;
    const word = async (stage: Exclude<SecureStage, 'masking'>, statement: Envelope, parcels?: readonly Parcel[]) => {
      const { run, opened } = this.#heard(caller, WORD_OF_STAGE[stage], statement);
      await hearWord(run, stage, opened, parcels);
      return {};
    };
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
        const member = caller.member;
        await this.#tell(caller, 'connected');
        await caller.drained();
        return { statements: statementsOf(office.of(member)).slice(-limits.syncStatements) };
      },
      about: ({ version, engine, clockMs }) => {
        const { hospitalId: hospital } = session.authenticated();
        this.parts.progress({ event: 'about', hospital, version, engine, clockAheadMs: clockMs - Date.now() });
        return {};
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
        await caller.drained();
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
      advert: ({ statement }) => word('advertising', statement),
      shares: ({ statement, parcels }) => word('sharing', statement, parcels),
      agree: ({ statement }) => word('agreeing', statement),
      unmask: ({ statement }) => word('unmasking', statement),
      complaint: async ({ statement }) => {
        const { run, opened } = this.#heard(caller, 'complaint', statement);
        await hearComplaint(run, opened);
        return {};
      },
      'deliveries.read': async ({ runId, planDigest }) => {
        const { hospitalId } = session.authenticated();
        const secure = secureOf(this.#runOf(caller, runId));
        await caller.drained();
        return { deliveries: secure.deliveriesFor(hospitalId, planDigest) };
      },
      'round.read': async ({ runId, round }) => {
        const secure = secureOf(this.#runOf(caller, runId));
        await caller.drained();
        const { plan, aggregate } = await secure.past(round);
        return { plan: plan.envelope, aggregate: aggregate.envelope };
      },
    };
    return acts[name](request);
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
    const run = this.parts.office.of(caller.member).find((candidate) => candidate.runId === runId);
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
