/**
 * A coordinator that is not there: the network of a dry run. It answers a whole round as an honest one would, on this
 * machine and with keys made for the purpose, and keeps every message that would have left, byte for byte.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '@consilium/bytes';
import {
  digestBlob,
  generateIdentity,
  generateRoundKey,
  openSealedUpdate,
  signBytes,
  type Identity,
} from '@consilium/crypto';
import { initialParameters } from '@consilium/model-spec';
import {
  parseUnverified,
  signStatement,
  type Digest,
  type Envelope,
  type HospitalId,
  type Opened,
  type Request,
  type RequestName,
  type RunConfig,
  type Statement,
} from '@consilium/protocol';
import { decodeFigures } from '@consilium/rounds';
import { floatBytes } from '@consilium/tensors';
import type { Network, WireEvents } from '../channel/wire.js';
import { RehearsedRound, rehearsedPlan, type Peer } from './rehearsed-round.js';

export interface Message {
  readonly name: RequestName;
  readonly body: object;
}

export interface OpenedUpdate {
  /** Training images that count. */
  readonly examples: number;
  /** Nats. */
  readonly loss: number;
  /** As it would leave: sealed, or masked. */
  readonly blob: Uint8Array;
  /** float32, shape (parameters,): only here, where all other keys were made, could it be opened. */
  readonly update: Float32Array;
}

type StatementName =
  | 'challenge'
  | 'run-config'
  | 'plan'
  | 'aggregate'
  | 'run-end'
  | 'secagg-plan'
  | 'roster'
  | 'deliver'
  | 'survivors'
  | 'unmask-request';

export class Rehearsal {
  readonly identity: Identity = generateIdentity();
  readonly messages: Message[] = [];
  readonly #roundKey = generateRoundKey();
  readonly #config: Opened<'run-config'>;
  readonly #plan: Opened<'plan' | 'secagg-plan'>;
  readonly #secure: RehearsedRound | undefined;
  /** What was said last in a secure round. */
  #roster: Statement<'roster'> | undefined;
  #survivors: Statement<'survivors'> | undefined;
  #request: Statement<'unmask-request'> | undefined;
  readonly #chunks: Uint8Array[] = [];
  #events: WireEvents | undefined;
  #offered: Envelope | undefined;
  #opened: OpenedUpdate | undefined;
  #head = new Uint8Array();

  /** @param peers - those of the roster who are played here; in the mode sealed nobody. */
  constructor(config: RunConfig, hospitalId: HospitalId, peers: readonly Peer[]) {
    this.#config = this.#sign('run-config', config);
    if (config.mode === 'secagg') {
      const plan = this.#sign('secagg-plan', rehearsedPlan(this.#config));
      this.#secure = new RehearsedRound(plan, hospitalId, peers);
      this.#plan = plan;
      return;
    }
    this.#plan = this.#sign('plan', {
      ...{ v: 1, runId: config.runId, round: 1, attempt: 1, from: 'coordinator' },
      ...{ configDigest: this.#config.digest, model: config.initialModel },
      roundKey: toHex(this.#roundKey.publicKey),
      cohort: [hospitalId],
    });
  }

  readonly network: Network = {
    sleep: async (delayMs) => {
      await sleep(delayMs);
    },
    wire: (_url, events) => {
      this.#events = events;
      return {
        sentBytes: 0,
        connect: () => {
          setImmediate(events.connected);
        },
        disconnect: () => undefined,
        ask: (name, body) => Promise.resolve(this.#answer(name, body)),
      };
    },
  };

  /** @returns undefined before the update was sent in full. */
  get update(): OpenedUpdate | undefined {
    return this.#opened;
  }

  #answer(name: RequestName, body: object): unknown {
    this.messages.push({ name, body });
    // A round asks nothing of the membership.
    const notRehearsed = (): never => {
      throw new Error(`${name} is no part of a round`);
    };
    const answers: { readonly [N in RequestName]: (request: Request<N>) => object } = {
      join: notRehearsed,
      membership: notRehearsed,
      verify: notRehearsed,
      rotate: notRehearsed,
      revoke: notRehearsed,
      hello: ({ hospitalId, nonce }) => {
        const nonces = { clientNonce: nonce, serverNonce: '0'.repeat(64) };
        return { challenge: this.#sign('challenge', { v: 1, protocol: 1, hospitalId, ...nonces }).envelope };
      },
      prove: () => ({ protocol: 1 }),
      about: () => ({}),
      sync: () => ({ statements: [{ name: 'run-config', envelope: this.#config.envelope }] }),
      consent: () => {
        this.#push(this.#secure === undefined ? 'plan' : 'secagg-plan', this.#plan);
        return {};
      },
      refuse: () => ({}),
      'blob.read': ({ offset, length }) => ({
        bytes: this.#head.subarray(offset, offset + length),
        sizeBytes: this.#head.length,
      }),
      'update.offer': ({ statement }) => {
        this.#offered = statement;
        return { receivedBytes: 0 };
      },
      'update.chunk': ({ bytes }) => {
        this.#chunks.push(bytes);
        return { receivedBytes: this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
      },
      'update.commit': () => {
        if (this.#secure === undefined) this.#aggregate();
        else {
          this.#survivors = this.#secure.survivors(due(this.#offered), Buffer.concat(this.#chunks));
          this.#say('survivors', this.#survivors);
        }
        return {};
      },
      decline: () => {
        this.#finish(0);
        return {};
      },
      evaluation: () => {
        this.#finish(1);
        return {};
      },
      advert: ({ statement }) => {
        this.#roster = due(this.#secure).roster(statement);
        this.#say('roster', this.#roster);
        return {};
      },
      shares: ({ statement, parcels }) => {
        this.#say('deliver', due(this.#secure).deliver(due(this.#roster), statement, parcels));
        return {};
      },
      complaint: notRehearsed,
      'deliveries.read': () => ({ deliveries: due(this.#secure).deliveries }),
      agree: ({ statement }) => {
        this.#request = due(this.#secure).unmaskRequest(due(this.#survivors), statement);
        this.#say('unmask-request', this.#request);
        return {};
      },
      unmask: ({ statement }) => {
        const { weight, metrics, update } = due(this.#secure).ownPart(due(this.#request), statement);
        const { trainLoss } = decodeFigures(metrics, 1);
        this.#opened = { examples: weight, loss: trainLoss, blob: Buffer.concat(this.#chunks), update };
        // The sum has been opened: what comes after it no hospital says anything to.
        this.#finish(0);
        return {};
      },
      'round.read': notRehearsed,
    };
    return { ok: true, ...(answers[name] as (request: object) => object)(body) };
  }

  /** The average of one hospital is its own update. */
  #aggregate(): void {
    const statement = parseUnverified('update', due(this.#offered)).body;
    const { runId, round, attempt, planDigest, from: hospitalId, examples } = statement;
    const sealed = Buffer.concat(this.#chunks);
    const opened = openSealedUpdate(sealed, this.#roundKey.secretKey, {
      runId,
      round,
      attempt,
      planDigest,
      hospitalId,
    });
    const update = new Float32Array(Uint8Array.from(opened).buffer);
    this.#opened = { examples, loss: Number(statement.loss), blob: sealed, update };
    const { head, seed } = this.#config.body;
    const next = initialParameters(head, seed).map((value, k) => value + (update[k] ?? NaN));
    this.#head = Uint8Array.from(floatBytes(next));
    const aggregate = this.#sign('aggregate', {
      ...{ v: 1, runId, round, attempt, planDigest, from: 'coordinator' },
      model: digestBlob(this.#head) as Digest,
      updates: [{ hospitalId, blobDigest: statement.blobDigest }],
      totalExamples: examples,
    });
    this.#push('aggregate', aggregate);
  }

  #finish(rounds: 0 | 1): void {
    const { runId } = this.#config.body;
    const end = this.#sign('run-end', {
      ...{ v: 1, runId, from: 'coordinator', configDigest: this.#config.digest },
      ...(rounds === 1
        ? { outcome: 'finished', reason: 'ALL_ROUNDS_DONE', rounds }
        : { outcome: 'aborted', reason: 'STOPPED', rounds }),
      best: null,
    });
    this.#push('run-end', end);
  }

  #say<N extends 'roster' | 'deliver' | 'survivors' | 'unmask-request'>(name: N, body: Statement<N>): void {
    this.#push(name, this.#sign<N>(name, body));
  }

  #push(name: StatementName, { envelope }: { readonly envelope: unknown }): void {
    // After the answer, as over a network.
    setImmediate(() => this.#events?.statement({ name, envelope }));
  }

  #sign<N extends StatementName>(name: N, body: Parameters<typeof signStatement<N>>[1]): Opened<N> {
    return signStatement(name, body, 'coordinator', (bytes) => signBytes(this.identity, bytes));
  }
}

/** What an earlier message must have brought: the hospital beside us is ours, and keeps the order. */
function due<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('a message came before the one that it follows');
  return part;
}
