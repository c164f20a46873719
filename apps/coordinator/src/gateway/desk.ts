/**
 * Where a hospital's requests are answered, free of any framework: parse -> check -> act -> ack. An answer is always an
 * ack, a refusal has a stable code, and no message of a peer can end the process.
 */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { verifyStrict, type Identity } from '@consilium/crypto';
import {
  openStatement,
  ProtocolError,
  REFUSALS,
  requests,
  type Ack,
  type Answers,
  type HospitalId,
  type Request,
  type RequestName,
} from '@consilium/protocol';
import type { Conductor } from '../run/conductor.js';
import { floatBytes } from '@consilium/tensors';
import type { Progress } from '../run/progress.js';
import { RateLimit } from './rate.js';
import { Session, type Roster } from './session.js';
import type { Uploads } from './uploads.js';

/** What the desk needs of a socket. */
export interface Line {
  readonly id: string;
  cut(): void;
}

interface Caller {
  readonly session: Session;
  readonly rate: RateLimit;
  readonly line: Line;
  refusedBefore: boolean;
}

export interface DeskParts {
  readonly identity: Identity;
  readonly roster: Roster;
  readonly conductor: Conductor;
  readonly uploads: Uploads;
  readonly log: Logger;
  readonly progress: (progress: Progress) => void;
}

export class Desk {
  readonly #callers = new Map<string, Caller>();
  readonly #hospitals = new Map<HospitalId, Caller>();

  constructor(private readonly parts: DeskParts) {}

  arrive(line: Line): void {
    const session = new Session(this.parts.identity, this.parts.roster);
    this.#callers.set(line.id, { session, rate: new RateLimit(), line, refusedBefore: false });
  }

  isHospital(lineId: string): boolean {
    return this.#callers.get(lineId)?.session.hospitalId !== undefined;
  }

  /** Counts one message. @returns Whether it is within the limit. */
  tolerates(lineId: string): boolean {
    return this.#callers.get(lineId)?.rate.take() ?? false;
  }

  leave(lineId: string): void {
    const caller = this.#callers.get(lineId);
    this.#callers.delete(lineId);
    const hospitalId = caller?.session.hospitalId;
    // An older connection of the same hospital that ends late says nothing about the newer one.
    if (hospitalId === undefined || this.#hospitals.get(hospitalId) !== caller) return;
    this.#hospitals.delete(hospitalId);
    this.parts.progress({ event: 'disconnected', hospital: hospitalId });
    void this.parts.conductor.accept({ type: 'disconnected', hospitalId });
  }

  /** Resolves when every hospital has left, at the latest after `graceMs`. */
  async empty(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    while (this.#hospitals.size > 0 && performance.now() < deadline) await setTimeout(20);
  }

  async answer<N extends RequestName>(name: N, lineId: string, input: unknown): Promise<Ack<Answers[N]>> {
    const caller = this.#callers.get(lineId);
    try {
      if (caller === undefined) throw new ProtocolError('NOT_AUTHENTICATED');
      if (!caller.rate.take()) {
        caller.line.cut();
        throw new ProtocolError('RATE_LIMITED');
      }
      const parsed = requests[name].safeParse(input);
      if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', name);
      const answer = await this.#act(name, caller, parsed.data as Request<N>);
      return { ok: true, ...answer };
    } catch (error) {
      return this.#refuse(name, caller, error);
    }
  }

  #refuse(
    name: RequestName,
    caller: Caller | undefined,
    error: unknown,
  ): { ok: false; code: ProtocolError['code']; message: string } {
    const hospital = caller?.session.hospitalId;
    if (!(error instanceof ProtocolError)) {
      this.parts.log.error({ err: error, request: name, hospital }, 'a request failed inside the coordinator');
      return { ok: false, code: 'INTERNAL', message: REFUSALS.INTERNAL };
    }
    // Of a stranger only the first is told: a flood of them must not fill the disk with lines.
    if (hospital !== undefined || caller?.refusedBefore === false) {
      this.parts.progress({ event: 'refused', hospital, request: name, code: error.code });
    }
    if (caller !== undefined) caller.refusedBefore = true;
    return { ok: false, code: error.code, message: error.message };
  }

  /** One row for each request: who may, and what it does. */
  async #act<N extends RequestName>(name: N, caller: Caller, request: Request<N>): Promise<Answers[N]> {
    const { conductor, uploads } = this.parts;
    const { session } = caller;
    const acts: { [K in RequestName]: (request: Request<K>) => Answers[K] | Promise<Answers[K]> } = {
      hello: (hello) => session.hello(hello),
      prove: (proof) => this.#welcome(caller, session.prove(proof)),
      sync: () => {
        const { hospitalId } = session.authenticated();
        void conductor.accept({ type: 'connected', hospitalId });
        return { statements: conductor.current() };
      },
      consent: ({ statement }) => {
        const { hospitalId, key } = session.authenticated();
        const { body } = openStatement('consent', statement, (bytes, signature) => verifyStrict(key, bytes, signature));
        if (body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
        if (body.configDigest !== conductor.config.digest) throw new ProtocolError('CONFIG_MISMATCH');
        this.parts.progress({ event: 'consented', hospital: hospitalId });
        void conductor.accept({ type: 'consented', hospitalId });
        return {};
      },
      'blob.read': ({ digest, offset, length }) => {
        session.authenticated();
        const model = conductor.models.get(digest);
        if (model === undefined) throw new ProtocolError('BLOB_UNKNOWN');
        const bytes = floatBytes(model);
        return {
          bytes: Buffer.from(bytes.buffer, bytes.byteOffset).subarray(offset, offset + length),
          sizeBytes: bytes.length,
        };
      },
      'update.offer': (offer) => {
        const { hospitalId, key } = session.authenticated();
        return uploads.offer(hospitalId, key, offer);
      },
      'update.chunk': (chunk) => uploads.chunk(session.authenticated().hospitalId, chunk),
      'update.commit': (commit) => uploads.commit(session.authenticated().hospitalId, commit),
      evaluation: ({ statement }) => {
        const { hospitalId, key } = session.authenticated();
        const { body } = openStatement('evaluation', statement, (bytes, signature) =>
          verifyStrict(key, bytes, signature),
        );
        if (body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
        if (body.runId !== conductor.config.body.runId) throw new ProtocolError('RUN_UNKNOWN');
        conductor.acceptEvaluation(body);
        return {};
      },
    };
    return acts[name](request);
  }

  #welcome(caller: Caller, answer: { protocol: number }): { protocol: number } {
    const { hospitalId } = caller.session.authenticated();
    const older = this.#hospitals.get(hospitalId);
    // Behind a network that lost a connection silently, the newer one is the hospital.
    this.#hospitals.set(hospitalId, caller);
    if (older !== undefined && older !== caller) older.line.cut();
    else this.parts.progress({ event: 'connected', hospital: hospitalId });
    return answer;
  }
}
