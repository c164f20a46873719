/**
 * A hospital that speaks the protocol by hand: any identity, any bytes, in any order. It never answers by itself and it
 * checks nothing, so that a test decides about every byte that leaves.
 */
import { io, type Socket } from 'socket.io-client';
import { canonicalBytes, concatBytes, fromHex, toBase64, toHex, utf8, type Json } from '@consilium/bytes';
import { digestBlob, sealUpdate, signBytes, type Identity, type SealContext } from '@consilium/crypto';
import { parseUnverified, type Digest, type Envelope, type HospitalId, type Opened } from '@consilium/protocol';

/** What came back: the ack as it was, or `CUT` when the connection went away instead. */
export interface RawAnswer {
  readonly ok: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export interface RawCredentials {
  readonly hospitalId: HospitalId;
  readonly identity: Identity;
  readonly coordinatorKey: Uint8Array;
}

/** An update in the three forms in which it travels. */
export interface RawUpdate {
  readonly runId: string;
  readonly statement: Envelope;
  readonly digest: Digest;
  readonly blob: Uint8Array;
}

/** What differs from an honest update. */
export interface UpdateChanges {
  /** Fields of the statement, after everything else; `undefined` leaves a field out. */
  readonly body?: Readonly<Record<string, Json | undefined>>;
  readonly context?: Partial<SealContext>;
  readonly roundKey?: Uint8Array;
  readonly signer?: Identity;
  /** Sent instead of the sealed update; the statement names its digest and size. */
  readonly blob?: Uint8Array;
}

/** DSSE written out a second time: what the library would refuse to sign is signed here. */
export function forge(name: string, payload: Uint8Array, keyId: string, identity: Identity): Envelope {
  const payloadType = `application/vnd.consilium.${name}.v1+json`;
  const head = utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payload.length} `);
  const signature = signBytes(identity, concatBytes(head, payload));
  return { payloadType, payload: toBase64(payload), signatures: [{ keyid: keyId, sig: toBase64(signature) }] };
}

/** @param values - float32, any length. */
export function forgeUpdate(
  { hospitalId, identity }: Omit<RawCredentials, 'coordinatorKey'>,
  plan: Opened<'plan'>,
  values: Float32Array,
  changes: UpdateChanges = {},
): RawUpdate {
  const { runId, round, attempt } = plan.body;
  const place = { runId, round, attempt, planDigest: plan.digest };
  const blob =
    changes.blob ??
    sealUpdate(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      changes.roundKey ?? fromHex(plan.body.roundKey),
      { ...place, hospitalId, ...changes.context },
    );
  const digest = digestBlob(blob) as Digest;
  const body: Record<string, Json | undefined> = {
    v: 1,
    ...place,
    from: hospitalId,
    blobDigest: digest,
    blobBytes: blob.length,
    examples: 10,
    loss: '0.5',
    ...changes.body,
  };
  const present = Object.entries(body).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  const payload = canonicalBytes(Object.fromEntries(present));
  return { runId, statement: forge('update', payload, hospitalId, changes.signer ?? identity), digest, blob };
}

export class RawHospital {
  /** Statements that the coordinator pushed, oldest first. */
  readonly pushed: { readonly name: string; readonly envelope: Envelope }[] = [];

  private constructor(
    readonly socket: Socket,
    readonly nonce: string,
  ) {
    socket.on('statement', (statement: { name: string; envelope: Envelope }) => {
      this.pushed.push(statement);
    });
  }

  static async connect(url: string, nonce = 'c0'.repeat(32)): Promise<RawHospital> {
    const socket = io(url, { transports: ['websocket'], reconnection: false, forceNew: true });
    const raw = new RawHospital(socket, nonce);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
      socket.once('disconnect', reject);
    });
    return raw;
  }

  /** Connects, proves who it is, synchronises and consents. */
  static async join(url: string, credentials: RawCredentials): Promise<RawHospital> {
    const raw = await RawHospital.connect(url);
    const { answer } = await raw.answerTo(credentials);
    const proved = await raw.ask('prove', { answer });
    const synced = await raw.ask('sync', {});
    if (!proved.ok || !synced.ok) throw new Error(`the raw hospital was refused: ${JSON.stringify([proved, synced])}`);
    const statements = synced['statements'] as typeof raw.pushed;
    raw.pushed.unshift(...statements);
    const config = parseUnverified('run-config', raw.latest('run-config'));
    const { hospitalId, identity } = credentials;
    const consent = { v: 1, runId: config.body.runId, from: hospitalId, configDigest: config.digest };
    await raw.ask('consent', { statement: forge('consent', canonicalBytes(consent), hospitalId, identity) });
    return raw;
  }

  get isCut(): boolean {
    return !this.socket.connected;
  }

  /** Sends anything under any event name, with an ack. */
  async ask(name: string, ...args: unknown[]): Promise<RawAnswer> {
    try {
      return (await this.socket.timeout(10_000).emitWithAck(name, ...args)) as RawAnswer;
    } catch {
      return { ok: false, code: 'CUT' };
    }
  }

  hello(hospitalId: string, versions = { min: 1, max: 1 }): Promise<RawAnswer> {
    return this.ask('hello', { versions, hospitalId, nonce: this.nonce });
  }

  /** Says hello and makes the proof, which it does not send. @param changes - fields of the proof. */
  async answerTo(
    { hospitalId, identity, coordinatorKey }: RawCredentials,
    changes: Readonly<Record<string, Json>> = {},
  ): Promise<{ challenge: Envelope; answer: Envelope }> {
    const hello = await this.hello(hospitalId);
    if (!hello.ok) throw new Error(`hello was refused: ${String(hello.code)}`);
    const challenge = hello['challenge'] as Envelope;
    const { body } = parseUnverified('challenge', challenge);
    const proof = { ...body, coordinatorKey: toHex(coordinatorKey), ...changes };
    return { challenge, answer: forge('challenge-answer', canonicalBytes(proof), hospitalId, identity) };
  }

  /** @returns The code of the first refusal, or `OK`. */
  async send({ runId, statement, digest, blob }: RawUpdate, chunkBytes = 262_144): Promise<string> {
    const offered = await this.ask('update.offer', { statement });
    if (!offered.ok) return String(offered.code);
    for (let offset = 0; offset < blob.length; offset += chunkBytes) {
      const bytes = Buffer.from(blob.subarray(offset, offset + chunkBytes));
      const taken = await this.ask('update.chunk', { runId, digest, offset, bytes });
      if (!taken.ok) return String(taken.code);
    }
    const committed = await this.ask('update.commit', { runId, digest });
    return committed.ok ? 'OK' : String(committed.code);
  }

  /** The newest statement of that name. @throws Error if there is none. */
  latest(name: string): Envelope {
    const statement = this.pushed.findLast((pushed) => pushed.name === name);
    if (statement === undefined) throw new Error(`no ${name} was pushed yet`);
    return statement.envelope;
  }

  /** The plan of that round, as soon as it is there. */
  async plan(round: number): Promise<Opened<'plan'>> {
    for (;;) {
      const plans = this.pushed.filter(({ name }) => name === 'plan').map(({ envelope }) => envelope);
      const found = plans.map((envelope) => parseUnverified('plan', envelope)).find(({ body }) => body.round === round);
      if (found !== undefined) return found;
      if (this.isCut) throw new Error('the connection is gone');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  leave(): void {
    this.socket.disconnect();
  }
}
