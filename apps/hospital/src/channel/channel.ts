/**
 * The one connection of a hospital, always outgoing: reconnects by itself with growing pauses, proves identities each
 * time, and hands on the coordinator's statements verified. Requests wait for the connection and are repeated on a new
 * one: all of them are idempotent, and an interrupted upload goes on where it ended.
 */
import { digestBlob, verifyStrict } from '@consilium/crypto';
import {
  answers,
  limits,
  openStatement,
  ProtocolError,
  pushedSchema,
  type Ack,
  type Answers,
  type Digest,
  type Opened,
  REFUSALS,
  type PushedName,
  type RefusalCode,
  type Request,
  type RequestName,
  type RunId,
} from '@consilium/protocol';
import { EgressDoor } from '../egress/door.js';
import type { Outgoing } from '../run/round.js';
import { BackOff, LONGEST_PAUSE_MS } from './back-off.js';
import { shakeHands, type Credentials } from './handshake.js';
import type { FaultCode } from '../network/fault.js';
import type { WayOut } from '../network/way-out.js';
import { askingBy, LineLost, socketNetwork, type Network, type Wire } from './wire.js';

export type CoordinatorStatement = { [N in PushedName]: { readonly name: N } & Opened<N> }[PushedName];

export type LineState = 'connected' | 'disconnected' | 'unreachable';

export interface ChannelPorts extends Credentials, WayOut {
  readonly url: string;
  readonly onStatement: (statement: CoordinatorStatement) => void;
  /** @param why - of `unreachable`, where it is known. */
  readonly onLine: (state: LineState, why?: FaultCode) => void;
  /** The coordinator will not talk to us, or is not ours: trying again cannot help. */
  readonly onRefused: (error: ProtocolError) => void;
  /** Absent: socket.io. */
  readonly network?: Network;
  /** Absent: what leaves is checked, and written down nowhere. */
  readonly door?: EgressDoor;
}

const RETRY_MS = 1_000;
/** Chunks under way at a time, in either direction: at most 1 MiB of buffers. */
const WINDOW = 4;
/** A connection that is lost costs the chunk that was half-way: 4 % of a blob, where chunks this small are worth a message. */
const CHUNKS_OF_A_BLOB = 24;
const SMALLEST_CHUNK_BYTES = 65_536;
const FINAL_REFUSALS = [
  'VERSION_UNSUPPORTED',
  'HOSPITAL_UNKNOWN',
  'HOSPITAL_REVOKED',
  'COORDINATOR_UNKNOWN',
  'SIGNATURE_INVALID',
];

/**
 * Passing troubles: the coordinator cannot store anything, or it does not know what it has of an update (it is a new process,
 * or its round is over). Offered again, the update is resumed or refused for good.
 */
const PASSING_REFUSALS = ['STORE_UNAVAILABLE', 'UPDATE_NOT_OFFERED', 'CHUNK_OUT_OF_ORDER'];

/** Closed until it is opened, once. */
class Gate {
  isOpen = false;
  #open!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  open(): void {
    this.isOpen = true;
    this.#open();
  }
}

/** The coordinator said no; a plain {@link ProtocolError} is a fault that we found in what it said. */
export class Refused extends ProtocolError {}

/** The coordinator's words are untrusted: printable, and not many. */
export function refusalOf({ code, message }: { readonly code: RefusalCode; readonly message: string }): Refused {
  const words = message.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 300);
  const [, detail] = words.startsWith(REFUSALS[code]) ? [0, words.slice(REFUSALS[code].length)] : [0, words];
  return new Refused(code, detail.replace(/^ \((.*)\)$/, '$1') || undefined);
}

export class CoordinatorChannel {
  readonly #wire: Wire;
  readonly #sleep: Network['sleep'];
  readonly #backOff: BackOff;
  #readySinceMs = Infinity;
  #ready = new Gate();
  /** Counts ups and downs: what began on an earlier line says nothing about this one. */
  #line = 0;
  #closed = false;
  /** Pushed before the synchronisation was answered: newer than its statements, and meaningless without them. */
  #early: unknown[] | undefined = [];

  constructor(private readonly ports: ChannelPorts) {
    const { wire, sleep, below } = ports.network ?? socketNetwork(ports);
    this.#sleep = sleep;
    this.#backOff = new BackOff(below);
    const open = wire(ports.url, {
      connected: () => void this.#connected(),
      disconnected: (byServer) => {
        this.#disconnected(byServer);
      },
      unreachable: (why) => {
        ports.onLine('unreachable', why);
      },
      statement: (input) => {
        if (this.#early === undefined) this.#take(input);
        else if (this.#early.length < limits.syncStatements) this.#early.push(input);
      },
    });
    this.#wire = throughDoor(open, ports.door ?? new EgressDoor());
  }

  /** Everything handed to the network, socket.io frames included; WebSocket and TCP headers are not. */
  get sentBytes(): number {
    return this.#wire.sentBytes;
  }

  open(): void {
    this.#wire.connect();
  }

  close(): void {
    this.#closed = true;
    this.#wire.disconnect();
  }

  /** Said once, and lost with the line: what is only true now is never repeated later. */
  mention<N extends RequestName>(name: N, request: Request<N>): void {
    if (this.#ready.isOpen) void this.#ask(name, request).catch(() => undefined);
  }

  /** Waits for the connection as long as it takes. @throws {@link ProtocolError} when the coordinator refuses. */
  request<N extends RequestName>(name: N, request: Request<N>): Promise<Answers[N]> {
    return this.#patiently(() => this.#ask(name, request));
  }

  /** @throws {@link ProtocolError} `DIGEST_MISMATCH` if these are not the bytes that the digest names. */
  async readBlob(runId: RunId, digest: Digest, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const blob = new Uint8Array(sizeBytes);
    await inWindow(sizeBytes, async (offset, length) => {
      blob.set(await this.readPart(runId, digest, { sizeBytes, offset, length }), offset);
    });
    if (digestBlob(blob) !== digest) throw new ProtocolError('DIGEST_MISMATCH');
    return blob;
  }

  /** A part of a blob, which the caller must check by itself. @throws {@link ProtocolError} `DIGEST_MISMATCH` by its length. */
  async readPart(
    runId: RunId,
    digest: Digest,
    { sizeBytes, offset, length }: { readonly sizeBytes: number; readonly offset: number; readonly length: number },
  ): Promise<Uint8Array> {
    const answer = await this.request('blob.read', { runId, digest, offset, length });
    if (answer.sizeBytes !== sizeBytes || answer.bytes.length !== length) throw new ProtocolError('DIGEST_MISMATCH');
    return answer.bytes;
  }

  /** @throws {@link ProtocolError} with the coordinator's refusal. An update that it already has counts as sent. */
  sendUpdate(runId: RunId, { statement, blobDigest: digest, sealed: blob }: Outgoing): Promise<void> {
    return this.#patiently(async () => {
      const { receivedBytes } = await this.#ask('update.offer', { statement });
      await inWindow(blob.length - receivedBytes, async (offset, length) => {
        const at = receivedBytes + offset;
        await this.#ask('update.chunk', { runId, digest, offset: at, bytes: blob.subarray(at, at + length) });
      });
      await this.#ask('update.commit', { runId, digest });
    });
  }

  /** Repeats idempotent work over lost lines and {@link PASSING_REFUSALS}. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#ready.opened;
      try {
        return await work();
      } catch (error) {
        if (error instanceof Refused && PASSING_REFUSALS.includes(error.code)) await this.#sleep(RETRY_MS);
        else if (!(error instanceof LineLost)) throw error;
      }
    }
  }

  async #connected(): Promise<void> {
    const line = ++this.#line;
    try {
      await shakeHands((name, request) => this.#ask(name, request), this.ports);
      const { statements } = await this.#ask('sync', {});
      if (line !== this.#line) return;
      this.ports.onLine('connected');
      this.#readySinceMs = performance.now();
      this.#ready.open();
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const statement of [...statements, ...early]) this.#take(statement);
    } catch (error) {
      if (error instanceof ProtocolError && FINAL_REFUSALS.includes(error.code)) {
        this.close();
        this.ports.onRefused(error);
      } else if (line === this.#line) {
        // Anything else may pass, an answer that does not come included: start the connection anew, as slowly as after a loss.
        this.#wire.disconnect();
        void this.#reconnectLater();
      }
    }
  }

  #disconnected(byServer: boolean): void {
    this.#line += 1;
    this.#early = [];
    // Only a line that has held ends the trouble: one that is cut as soon as it stands would otherwise be tried for ever.
    if (performance.now() - this.#readySinceMs > LONGEST_PAUSE_MS) this.#backOff.reset();
    this.#readySinceMs = Infinity;
    // Who waits for a line that was never ready waits for the next one at the same gate.
    if (this.#ready.isOpen) this.#ready = new Gate();
    if (this.#closed) return;
    this.ports.onLine('disconnected');
    if (byServer) void this.#reconnectLater();
  }

  async #reconnectLater(): Promise<void> {
    await this.#sleep(this.#backOff.nextMs());
    if (!this.#closed) this.#wire.connect();
  }

  async #ask<N extends RequestName>(name: N, request: Request<N>): Promise<Answers[N]> {
    const raw = await this.#wire.ask(name, request);
    const parsed = answers[name].safeParse(raw);
    if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', `answer to ${name}`);
    const ack = parsed.data as Ack<Answers[N]>;
    if (!ack.ok) throw refusalOf(ack);
    return ack;
  }

  /** A statement that does not verify is dropped: the true one will be there at the next synchronisation. */
  #take(input: unknown): void {
    const parsed = pushedSchema.safeParse(input);
    if (!parsed.success) return;
    const { name, envelope } = parsed.data;
    try {
      const opened = openStatement(name, envelope, (bytes, signature) =>
        verifyStrict(this.ports.coordinatorKey, bytes, signature),
      );
      this.ports.onStatement({ name, ...opened } as CoordinatorStatement);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}

const chunkBytesOf = (sizeBytes: number): number =>
  Math.min(limits.chunkBytes, Math.max(SMALLEST_CHUNK_BYTES, Math.ceil(sizeBytes / CHUNKS_OF_A_BLOB)));

/** The only wire that the channel has: nothing passes by the door. */
export const throughDoor = (wire: Wire, door: EgressDoor): Wire =>
  askingBy(async (name, request) => {
    const leaving = door.pass(name, request);
    await door.durable(name);
    return wire.ask(name, leaving);
  }, wire);

/** Covers 0 .. sizeBytes in chunks, {@link WINDOW} at a time; the first failure ends it. */
async function inWindow(sizeBytes: number, one: (offset: number, length: number) => Promise<void>): Promise<void> {
  let next = 0;
  const chunkBytes = chunkBytesOf(sizeBytes);
  const lane = async (): Promise<void> => {
    while (next < sizeBytes) {
      const offset = next;
      next = Math.min(sizeBytes, offset + chunkBytes);
      await one(offset, next - offset);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
}
