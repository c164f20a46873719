/**
 * The one connection of a hospital, always outgoing: reconnects by itself with growing pauses, proves identities each
 * time, and hands on the coordinator's statements verified. Requests wait for the connection and are repeated on a new
 * one: all of them are idempotent, and an interrupted upload goes on where it ended.
 */
import { io, type Socket } from 'socket.io-client';
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
  type Envelope,
  type Opened,
  REFUSALS,
  type PushedName,
  type RefusalCode,
  type Request,
  type RequestName,
} from '@consilium/protocol';
import { shakeHands, type Credentials } from './handshake.js';

export type CoordinatorStatement = { [N in PushedName]: { readonly name: N } & Opened<N> }[PushedName];

export type LineState = 'connected' | 'disconnected' | 'unreachable';

export interface ChannelPorts extends Credentials {
  readonly url: string;
  readonly onStatement: (statement: CoordinatorStatement) => void;
  readonly onLine: (state: LineState) => void;
  /** The coordinator will not talk to us, or is not ours: trying again cannot help. */
  readonly onRefused: (error: ProtocolError) => void;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Chunks under way at a time, in either direction: 1 MiB of buffers. */
const WINDOW = 4;
const FINAL_REFUSALS = ['VERSION_UNSUPPORTED', 'HOSPITAL_UNKNOWN', 'COORDINATOR_UNKNOWN', 'SIGNATURE_INVALID'];

/** Closed until it is opened, once. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** The coordinator said no; a plain {@link ProtocolError} is a fault that we found in what it said. */
export class Refused extends ProtocolError {}

/** The coordinator's words are untrusted: printable, and not many. */
function refusalOf({ code, message }: { readonly code: RefusalCode; readonly message: string }): Refused {
  const words = message.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 300);
  const [, detail] = words.startsWith(REFUSALS[code]) ? [0, words.slice(REFUSALS[code].length)] : [0, words];
  return new Refused(code, detail.replace(/^ \((.*)\)$/, '$1') || undefined);
}

/** The connection went away under a request. */
class LineLost extends Error {}

export class CoordinatorChannel {
  readonly #socket: Socket;
  #ready = new Gate();
  #sentBytes = 0;
  #closed = false;

  constructor(private readonly ports: ChannelPorts) {
    this.#socket = io(ports.url, {
      autoConnect: false,
      transports: ['websocket', 'polling'],
      reconnectionDelay: 500,
      reconnectionDelayMax: 15_000,
      randomizationFactor: 0.5,
    });
    this.#socket.on('connect', () => void this.#connected());
    this.#socket.on('disconnect', (reason) => {
      this.#disconnected(reason);
    });
    this.#socket.on('connect_error', () => {
      ports.onLine('unreachable');
    });
    this.#socket.on('statement', (input: unknown) => {
      this.#take(input);
    });
  }

  /** Everything handed to the network, socket.io frames included; WebSocket and TCP headers are not. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#closed = true;
    this.#socket.disconnect();
  }

  /** Waits for the connection as long as it takes. @throws {@link ProtocolError} when the coordinator refuses. */
  async request<N extends RequestName>(name: N, request: Request<N>): Promise<Answers[N]> {
    for (;;) {
      await this.#ready.opened;
      try {
        return await this.#ask(name, request);
      } catch (error) {
        if (!(error instanceof LineLost)) throw error;
      }
    }
  }

  /** @returns The blob's bytes, checked against its digest. @throws {@link ProtocolError} `DIGEST_MISMATCH`. */
  async readBlob(digest: Digest, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const blob = new Uint8Array(sizeBytes);
    await inWindow(sizeBytes, async (offset, length) => {
      const answer = await this.request('blob.read', { digest, offset, length });
      if (answer.sizeBytes !== sizeBytes || answer.bytes.length !== length) throw new ProtocolError('DIGEST_MISMATCH');
      blob.set(answer.bytes, offset);
    });
    if (digestBlob(blob) !== digest) throw new ProtocolError('DIGEST_MISMATCH');
    return blob;
  }

  /** @throws {@link ProtocolError} with the coordinator's refusal. An update that it already has counts as sent. */
  async sendUpdate(statement: Envelope, digest: Digest, blob: Uint8Array): Promise<void> {
    for (let again = false; ; again = true) {
      await this.#ready.opened;
      try {
        const { receivedBytes } = await this.#ask('update.offer', { statement });
        await inWindow(blob.length - receivedBytes, async (offset, length) => {
          const at = receivedBytes + offset;
          await this.#ask('update.chunk', { digest, offset: at, bytes: blob.subarray(at, at + length) });
        });
        await this.#ask('update.commit', { digest });
        return;
      } catch (error) {
        // The ack was lost with the line, the update was not.
        if (again && error instanceof ProtocolError && error.code === 'UPDATE_DUPLICATE') return;
        if (!(error instanceof LineLost)) throw error;
      }
    }
  }

  async #connected(): Promise<void> {
    // Counted at the engine, where frames are what goes out.
    this.#socket.io.engine.on('packetCreate', ({ data }: { data?: unknown }) => {
      if (typeof data === 'string') this.#sentBytes += Buffer.byteLength(data);
      else if (data instanceof Uint8Array) this.#sentBytes += data.length;
    });
    try {
      await shakeHands((name, request) => this.#ask(name, request), this.ports);
      const { statements } = await this.#ask('sync', {});
      this.ports.onLine('connected');
      this.#ready.open();
      for (const statement of statements) this.#take(statement);
    } catch (error) {
      if (error instanceof ProtocolError && FINAL_REFUSALS.includes(error.code)) {
        this.close();
        this.ports.onRefused(error);
      } else if (!(error instanceof LineLost)) {
        // Anything else may pass: start the connection anew, as slowly as after a loss.
        this.#socket.disconnect();
        this.#reconnectLater();
      }
    }
  }

  #disconnected(reason: string): void {
    this.#ready = new Gate();
    if (this.#closed) return;
    this.ports.onLine('disconnected');
    // socket.io comes back by itself except when the server closed the connection on purpose.
    if (reason === 'io server disconnect') this.#reconnectLater();
  }

  #reconnectLater(): void {
    setTimeout(() => {
      if (!this.#closed) this.#socket.connect();
    }, 2_000);
  }

  async #ask<N extends RequestName>(name: N, request: Request<N>): Promise<Answers[N]> {
    const raw: unknown = await this.#socket
      .timeout(REQUEST_TIMEOUT_MS)
      .emitWithAck(name, request)
      .catch(() => {
        throw new LineLost();
      });
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

/** Covers 0 .. sizeBytes in chunks, {@link WINDOW} at a time; the first failure ends it. */
async function inWindow(sizeBytes: number, one: (offset: number, length: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < sizeBytes) {
      const offset = next;
      next = Math.min(sizeBytes, offset + limits.chunkBytes);
      await one(offset, next - offset);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
}
