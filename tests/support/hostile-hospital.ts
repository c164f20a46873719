/**
 * An enrolled but hostile hospital at a real coordinator: it speaks over a raw socket, has real sessions of libs/secagg, and
 * may alter whatever it sends. Each step is honest unless it is told otherwise; its result is `OK` or the code of the refusal.
 */
import type { Delivery, Envelope, Opened, Parcel, StatementName } from '@consilium/protocol';
import { parseUnverified } from '@consilium/protocol';
import { encodeFigures } from '@consilium/rounds';
import { bytesOf, Puppet, shareRootOf } from './puppet.js';
import { RawHospital, type RawCredentials } from './raw-hospital.js';
import { until } from './until.js';

interface Part {
  readonly examples: number;
  readonly update: (round: number) => Float32Array;
}

export class HostileHospital {
  sessionId = '';
  plan!: Opened<'secagg-plan'>;
  /** Of this hospital's own words, as they were signed. */
  readonly envelopes = new Map<string, Envelope>();
  parcels: Parcel[] = [];

  private constructor(
    readonly raw: RawHospital,
    readonly puppet: Puppet,
  ) {}

  static async join(url: string, credentials: RawCredentials, part: Part): Promise<HostileHospital> {
    const raw = await RawHospital.join(url, credentials);
    const { runId } = parseUnverified('run-config', raw.latest('run-config')).body;
    const metrics = encodeFigures({ trainLoss: 0.5, heldOut: undefined });
    const contribution = { update: part.update(1), examples: part.examples, metrics };
    return new HostileHospital(raw, new Puppet(credentials.hospitalId, credentials.identity, contribution, runId));
  }

  /** The coordinator's next statement of that name: of this attempt, or the plan of this round. */
  async told<N extends StatementName>(name: N, isIt: (body: Opened<N>['body']) => boolean): Promise<Opened<N>> {
    let found: Opened<N> | undefined;
    await until(() => {
      found = this.raw.pushed
        .filter((pushed) => pushed.name === name)
        .map(({ envelope }) => parseUnverified(name, envelope))
        .find(({ body }) => isIt(body));
      if (found === undefined && this.raw.isCut) throw new Error(`the connection is gone before ${name}`);
      return found !== undefined;
    });
    return found as unknown as Opened<N>;
  }

  /** `CODE`, or `CODE DETAIL` where libs/secagg refuses. */
  async say(event: string, statement: Envelope, beside: object = {}): Promise<string> {
    const answer = await this.raw.ask(event, { statement, ...beside });
    if (answer.ok) return 'OK';
    const detail = answer.code === 'SECAGG_REFUSED' ? / \((\w+)\)$/.exec(answer.message ?? '')?.[1] : undefined;
    return [answer.code, detail].filter(Boolean).join(' ');
  }

  /** Signs, remembers and sends. */
  async #speak(name: string, body: object, beside: object = {}): Promise<string> {
    const statement = this.puppet.sign(name, body);
    this.envelopes.set(name, statement);
    return this.say(name, statement, beside);
  }

  readonly #ofThis = (body: object): boolean => (body as { planDigest?: string }).planDigest === this.plan.digest;

  async advertBody(round = 1) {
    this.plan = await this.told('secagg-plan', (body) => body.round === round && body.purpose === 'train');
    return this.puppet.advert(this.plan);
  }

  async advertise(round = 1): Promise<string> {
    return this.#speak('advert', await this.advertBody(round));
  }

  /** @param spoil - what becomes of the parcels before they are signed. */
  async share(spoil: (parcels: Parcel[]) => Parcel[] = (parcels) => parcels): Promise<string> {
    const { statement, parcels } = this.puppet.shares(await this.told('roster', this.#ofThis));
    this.sessionId = statement.sessionId;
    this.parcels = spoil(parcels);
    return this.#speak('shares', { ...statement, shareRoot: shareRootOf(this.parcels) }, { parcels: this.parcels });
  }

  /** @returns A vector that may be sent, and its statement: as honest ones are. */
  async maskedVector(): Promise<{ statement: object; vector: Uint32Array }> {
    const deliver = await this.told('deliver', this.#ofThis);
    const { runId, planDigest } = deliver.body;
    const answer = await this.raw.ask('deliveries.read', { runId, planDigest });
    return this.puppet.mask(deliver, answer['deliveries'] as Delivery[]);
  }

  /** @param body - signed as it is; the bytes are those that it announces, unless others are given. */
  async upload(body: object, bytes: Uint8Array): Promise<string> {
    const { runId, blobDigest } = body as Opened<'masked'>['body'];
    const statement = this.puppet.sign('masked', body);
    this.envelopes.set('masked', statement);
    const offered = await this.say('update.offer', statement);
    if (offered !== 'OK') return offered;
    const digest = blobDigest;
    const taken = await this.raw.ask('update.chunk', { runId, digest, offset: 0, bytes: Buffer.from(bytes) });
    if (!taken.ok) return String(taken.code);
    const done = await this.raw.ask('update.commit', { runId, digest });
    if (done.ok) return 'OK';
    const detail = done.code === 'SECAGG_REFUSED' ? / \((\w+)\)$/.exec(done.message ?? '')?.[1] : undefined;
    return [done.code, detail].filter(Boolean).join(' ');
  }

  /** @param alter - what becomes of the masked vector before it is signed. */
  async mask(alter: (vector: Uint32Array) => void = () => undefined): Promise<string> {
    const { statement, vector } = await this.maskedVector();
    alter(vector);
    return this.upload(this.puppet.announce(statement, vector), bytesOf(vector));
  }

  async agree(changes: object = {}): Promise<string> {
    const body = this.puppet.agree(await this.told('survivors', this.#ofThis));
    return this.#speak('agree', { ...body, ...changes });
  }

  async unmaskBody() {
    return this.puppet.unmask(await this.told('unmask-request', this.#ofThis));
  }

  async unmask(body?: object): Promise<string> {
    return this.#speak('unmask', body ?? (await this.unmaskBody()));
  }

  leave(): void {
    this.raw.leave();
  }
}
