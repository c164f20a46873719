/**
 * A coordinator that the test has in its hand: it holds whatever key it is given and answers each request as it is told.
 * It keeps what it received, so that a test can say what a hospital did not send.
 */
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { toHex, type Json } from '@consilium/bytes';
import { digestBlob, generateRoundKey, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type Digest, type Opened, type RequestName, type RunConfig } from '@consilium/protocol';

/** `undefined` sends no ack at all. */
export type FakeAnswer = (body: Record<string, Json>, socket: Socket) => unknown;

/** This one leads runs, and knows nothing of a membership. */
const notHere: FakeAnswer = () => ({ ok: false, code: 'HOSPITAL_UNKNOWN', message: '' });

export class FakeCoordinator {
  readonly received: { readonly name: string; readonly body: unknown }[] = [];
  readonly #http: HttpServer = createServer();
  readonly #io = new Server(this.#http, { serveClient: false });
  readonly config: Opened<'run-config'>;

  private constructor(
    readonly identity: Identity,
    config: RunConfig,
    private readonly answers: Partial<Record<RequestName, FakeAnswer>>,
  ) {
    this.config = this.sign('run-config', config);
    this.#io.on('connection', (socket) => {
      socket.onAny((name: RequestName, body: Record<string, Json>, ack?: (answer: unknown) => void) => {
        this.received.push({ name, body });
        const answer = (this.answers[name] ?? this.#honest[name])(body, socket);
        if (answer === undefined) return;
        // A relay answers when the other side has.
        void Promise.resolve(answer).then((value) => ack?.(value));
      });
    });
  }

  /** @param config - already as hostile as the test wants it; it is signed here. */
  static async open(
    identity: Identity,
    config: RunConfig,
    answers: Partial<Record<RequestName, FakeAnswer>> = {},
  ): Promise<FakeCoordinator> {
    const fake = new FakeCoordinator(identity, config, answers);
    await new Promise<void>((resolve) => fake.#http.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Names of the requests that came, in order. */
  get heard(): string[] {
    return this.received.map(({ name }) => name);
  }

  sign<N extends 'challenge' | 'run-config' | 'plan' | 'aggregate' | 'run-end'>(
    name: N,
    body: Parameters<typeof signStatement<N>>[1],
  ): Opened<N> {
    return signStatement(name, body, 'coordinator', (bytes) => signBytes(this.identity, bytes));
  }

  /** The honest answer to `hello`. */
  welcome({ hospitalId, nonce }: Record<string, Json>): object {
    const nonces = { clientNonce: nonce as string, serverNonce: '5e'.repeat(32) };
    const challenge = { v: 1, protocol: 1, hospitalId, ...nonces } as Opened<'challenge'>['body'];
    return { ok: true, challenge: this.sign('challenge', challenge).envelope };
  }

  /** A plan for the initial model, fit to be answered but for the changes. */
  plan(changes: Partial<Opened<'plan'>['body']> = {}): Opened<'plan'> {
    const { body, digest } = this.config;
    return this.sign('plan', {
      v: 1,
      runId: body.runId,
      round: 1,
      attempt: 1,
      from: 'coordinator',
      configDigest: digest,
      model: body.initialModel,
      roundKey: toHex(generateRoundKey().publicKey),
      cohort: body.roster.map(({ hospitalId }) => hospitalId),
      ...changes,
    });
  }

  /** What ends round 1 with that model. */
  aggregate(plan: Opened<'plan'>, model: Uint8Array): Opened<'aggregate'> {
    const { runId, round, attempt } = plan.body;
    const place = { runId, round, attempt, planDigest: plan.digest };
    const digest = digestBlob(model) as Digest;
    return this.sign('aggregate', {
      v: 1,
      ...place,
      from: 'coordinator',
      model: digest,
      updates: [],
      totalExamples: 1,
    });
  }

  push(name: string, { envelope }: { readonly envelope: unknown }): void {
    this.#io.emit('statement', { name, envelope });
  }

  /** Sends anything as a pushed statement. */
  pushRaw(...args: unknown[]): void {
    this.#io.emit('statement', ...args);
  }

  /** Resolves when a request of that name has come so many times. */
  async hears(name: RequestName, times = 1): Promise<void> {
    while (this.heard.filter((heard) => heard === name).length < times) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  readonly #honest: Record<RequestName, FakeAnswer> = {
    hello: (hello) => this.welcome(hello),
    prove: () => ({ ok: true, protocol: 1 }),
    join: notHere,
    membership: notHere,
    verify: notHere,
    rotate: notHere,
    revoke: notHere,
    sync: () => ({ ok: true, statements: [{ name: 'run-config', envelope: this.config.envelope }] }),
    about: () => ({ ok: true }),
    consent: () => ({ ok: true }),
    refuse: () => ({ ok: true }),
    'blob.read': () => ({ ok: false, code: 'BLOB_UNKNOWN', message: '' }),
    'update.offer': () => ({ ok: true, receivedBytes: 0 }),
    'update.chunk': () => ({ ok: true, receivedBytes: 0 }),
    'update.commit': () => ({ ok: true }),
    decline: () => ({ ok: true }),
    evaluation: () => ({ ok: true }),
    advert: () => ({ ok: true }),
    shares: () => ({ ok: true }),
    complaint: () => ({ ok: true }),
    agree: () => ({ ok: true }),
    unmask: () => ({ ok: true }),
    'deliveries.read': () => ({ ok: true, deliveries: [] }),
    'round.read': () => ({ ok: false, code: 'ROUND_UNKNOWN', message: '' }),
  };
}
