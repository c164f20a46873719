/**
 * A coordinator that leads secure rounds with real hospitals as a real one would, up to the statement that the test alters.
 * It holds the pinned key, and may tell each hospital something else; whatever hospitals said is kept.
 */
import { join } from 'node:path';
import type { Socket } from 'socket.io';
import { serverOptimizerOf, stepServer } from '@consilium/aggregation';
import { canonicalBytes, toHex, type Json } from '@consilium/bytes';
import { openHome, type RunFile } from '@consilium/coordinator';
import { digestBlob, signBytes, type Identity } from '@consilium/crypto';
import { FolderMemory, openIdentity, type HospitalNode, type NodeOptions, type NodeOutcome } from '@consilium/hospital';
import { initialParameters } from '@consilium/model-spec';
import {
  signStatement,
  type Delivery,
  type Digest,
  type Envelope,
  type Opened,
  type Parcel,
  type PushedName,
  type RunConfig,
  type Statement,
} from '@consilium/protocol';
import { SECURE_METRICS } from '@consilium/rounds';
import * as secagg from '@consilium/secagg';
import { FakeCoordinator, type FakeAnswer } from './fake-coordinator.js';
import { convene, knownLearner, type Consortium } from './federation.js';
import { Attempt } from './lying-attempt.js';
import { openBy } from './open-signed.js';
import { bytesOf } from './puppet.js';
import { forge } from './raw-hospital.js';
import { waveUpdate } from './expected-head.js';
import { until } from './until.js';

export const PARAMETERS = 15;
type Word = 'advert' | 'shares' | 'masked' | 'agree' | 'unmask' | 'complaint' | 'decline';
type Stage = 'roster' | 'deliver' | 'survivors' | 'unmask-request';
const WORDS: readonly Word[] = ['advert', 'shares', 'agree', 'unmask', 'complaint', 'decline'];

interface Summons {
  readonly file?: Partial<RunFile>;
  readonly config?: Partial<RunConfig>;
  /** Keys of those who are absent. */
  readonly roster?: RunConfig['roster'];
  readonly absent?: readonly string[];
  /** Of every hospital. */
  readonly node?: Partial<NodeOptions>;
}

export class LyingCoordinator {
  /** Everything that hospitals said, oldest first. */
  readonly said: { readonly from: string; readonly name: Word; readonly statement: unknown; parcels: Parcel[] }[] = [];
  readonly outcomes = new Map<string, NodeOutcome>();
  readonly nodes = new Map<string, HospitalNode>();
  readonly trained: string[] = [];
  /** Who believed a sum, and how far it was recomputed from the vectors. */
  readonly verified = new Map<string, 'whole' | 'sampled' | 'no'>();
  /** Who is still waited for. */
  present: string[];
  attempt!: Attempt;
  /** What a synchronisation brings after the configuration. */
  standing: { readonly name: PushedName; readonly envelope: unknown }[] = [];
  deliveries?: (hospital: string) => readonly Delivery[];
  /** What the answer to whoever reads them waits for. */
  beforeDeliveries: Promise<void> = Promise.resolve();
  readonly blobs = new Map<string, Uint8Array>();
  /** What it says of rounds that are over. */
  readonly past = new Map<number, { readonly plan: Envelope; readonly aggregate: Envelope }>();
  readonly #sockets = new Map<string, Socket>();
  /** What somebody was told, honest or not: name and plan. */
  readonly #told = new Set<string>();
  readonly #uploads = new Map<string, { readonly statement: unknown; readonly bytes: Uint8Array }>();
  fake!: FakeCoordinator;

  private constructor(
    private readonly consortium: Consortium,
    readonly identities: ReadonlyMap<string, Identity>,
  ) {
    this.present = [...identities.keys()];
  }

  /** @param config - what is signed instead of the configuration of a good run. @param absent - who does not come. */
  static async summon(
    hospitals: readonly string[],
    { file = {}, config = {}, roster, absent = [], node = {} }: Summons = {},
  ): Promise<LyingCoordinator> {
    const consortium = await convene(hospitals, {
      ...{ mode: 'secagg', minHospitals: 3, rounds: 2, clipNorm: 2 },
      ...file,
    });
    const identities = new Map<string, Identity>();
    for (const name of hospitals) identities.set(name, (await openIdentity(consortium.homeOf(name))).identity);
    const lying = new LyingCoordinator(consortium, identities);
    const { identity } = await openHome(join(consortium.directory, 'coordinator'));
    const good = consortium.conductor.config.body;
    // Homes are made anew each time: only what is said to be different differs.
    const named = good.roster.map(
      (own) => roster?.find((entry) => entry.hospitalId === own.hospitalId && absent.includes(own.hospitalId)) ?? own,
    );
    lying.fake = await FakeCoordinator.open(identity, { ...good, ...config, roster: named }, lying.#answers());
    const coming = hospitals.filter((name) => !absent.includes(name));
    for (const name of coming) await lying.start(name, node);
    await until(() => lying.fake.heard.filter((request) => request === 'consent').length >= coming.length);
    return lying;
  }

  /** A node on that hospital's home: the first, or the next after a crash. */
  async start(name: string, options: Partial<NodeOptions> = {}): Promise<void> {
    const at = name.charCodeAt(0);
    const learner = knownLearner(10 + at, (round) => {
      this.trained.push(name);
      return waveUpdate(at, PARAMETERS)(round);
    });
    const memory = new FolderMemory(this.consortium.homeOf(name));
    const node = await this.consortium.node(name, learner, {
      ...{ url: this.fake.url, modes: ['secagg'], memory },
      progress: (step) => {
        if (step.event === 'verified') this.verified.set(name, step.recomputed);
      },
      ...options,
    });
    this.nodes.set(name, node);
    void node.run().then((outcome) => this.outcomes.set(name, outcome));
  }

  #answers(): Partial<Record<string, FakeAnswer>> {
    const nameOf = (socket: Socket): string => [...this.#sockets].find(([, known]) => known === socket)?.[0] ?? '?';
    const word =
      (name: Word): FakeAnswer =>
      ({ statement, parcels }, socket) => {
        this.said.push({ from: nameOf(socket), name, statement, parcels: (parcels ?? []) as unknown as Parcel[] });
        return { ok: true };
      };
    return {
      ...Object.fromEntries(WORDS.map((name) => [name, word(name)])),
      hello: (hello, socket) => {
        this.#sockets.set(hello['hospitalId'] as string, socket);
        return this.fake.welcome(hello);
      },
      sync: () => ({
        ok: true,
        statements: [{ name: 'run-config', envelope: this.fake.config.envelope }, ...this.standing],
      }),
      'deliveries.read': async (_, socket) => {
        await this.beforeDeliveries;
        return { ok: true, deliveries: this.deliveries?.(nameOf(socket)) ?? [] };
      },
      'update.offer': ({ statement }, socket) => {
        const from = nameOf(socket);
        const { body } = openBy('masked', statement, this.identities.get(from)?.publicKey ?? new Uint8Array(32));
        this.#uploads.set(body.blobDigest, { statement, bytes: new Uint8Array(body.blobBytes) });
        return { ok: true, receivedBytes: 0 };
      },
      'update.chunk': ({ digest, offset, bytes }) => {
        const chunk = bytes as unknown as Uint8Array;
        this.#uploads.get(digest as string)?.bytes.set(chunk, Number(offset));
        return { ok: true, receivedBytes: Number(offset) + chunk.length };
      },
      'update.commit': ({ digest }, socket) => {
        const { statement, bytes } = this.#uploads.get(digest as string) ?? {
          statement: null,
          bytes: new Uint8Array(0),
        };
        this.blobs.set(digest as string, bytes);
        this.said.push({ from: nameOf(socket), name: 'masked', statement, parcels: [] });
        return { ok: true };
      },
      'round.read': ({ round }) => {
        const said = this.past.get(Number(round));
        return said === undefined ? { ok: false, code: 'ROUND_UNKNOWN', message: '' } : { ok: true, ...said };
      },
      'blob.read': ({ digest, offset, length }) => {
        const blob = this.blobs.get(digest as string);
        if (blob === undefined) return { ok: false, code: 'BLOB_UNKNOWN', message: '' };
        const bytes = Buffer.from(blob.subarray(Number(offset), Number(offset) + Number(length)));
        return { ok: true, bytes, sizeBytes: blob.length };
      },
    };
  }

  sign<N extends PushedName>(name: N, body: Statement<N>): Opened<N> {
    return signStatement(name, body, 'coordinator', (bytes) => signBytes(this.fake.identity, bytes));
  }

  /** Signed with whatever key the coordinator got hold of: a colluding hospital's, or its own. */
  forge(name: string, body: object, hospital: string, signer = this.identities.get(hospital)): object {
    return forge(name, canonicalBytes(body as Json), hospital, signer ?? this.fake.identity);
  }

  /** @param to - absent: everybody. */
  tell<N extends PushedName>(name: N, body: Statement<N>, to: Iterable<string> = this.#sockets.keys()): void {
    const { envelope } = this.sign(name, body);
    if ('planDigest' in body) this.#told.add(`${name}/${body.planDigest}`);
    for (const hospital of to) this.#sockets.get(hospital)?.emit('statement', { name, envelope });
  }

  /** A plan for round 1 as a good coordinator would make it, but for the changes. */
  planBody(changes: Partial<Statement<'secagg-plan'>> = {}): Statement<'secagg-plan'> {
    const { body, digest } = this.fake.config;
    const { tolerated, weightCap, zMax } = body.secagg ?? { tolerated: 0, weightCap: 1, zMax: 1 };
    const roster =
      changes.roster ?? body.roster.map(({ hospitalId, identityKey }, i) => ({ hospitalId, identityKey, x: i + 1 }));
    return {
      ...{ v: 1, runId: body.runId, round: 1, attempt: 1, from: 'coordinator', mode: 'secagg', purpose: 'train' },
      ...{ configDigest: digest, model: body.initialModel, roster, tolerated },
      ...{ threshold: secagg.safeThreshold(body.roster.length, tolerated) },
      minCohort: Math.min(body.minHospitals, roster.length),
      ...{ weighting: body.weighting, clipNorm: body.clipNorm, weightCap, zMax, parameters: body.parameters },
      metrics: SECURE_METRICS.map(({ name, max }) => ({ name, max })),
      ...{ issuedAtMs: Date.now(), deadlineMs: Date.now() + 600_000 },
      ...changes,
    };
  }

  /** Begins an attempt; whoever is in its roster is waited for. */
  plan(changes: Partial<Statement<'secagg-plan'>> = {}): Opened<'secagg-plan'> {
    const plan = this.sign('secagg-plan', this.planBody(changes));
    this.attempt = new Attempt(plan);
    this.present = plan.body.roster.map(({ hospitalId }) => hospitalId);
    this.tell('secagg-plan', plan.body);
    return plan;
  }

  wordsOf(name: Word, planDigest = this.attempt.plan.digest) {
    return this.said.flatMap((word) => {
      if (word.name !== name) return [];
      const key = this.identities.get(word.from) ?? this.fake.identity;
      const opened = openBy(name, word.statement, key.publicKey) as Opened<'advert'>;
      return opened.body.planDigest === planDigest ? [{ ...word, opened }] : [];
    });
  }

  async #hear(name: Word) {
    await until(() => this.present.every((id) => this.wordsOf(name).some(({ from }) => from === id)));
    return this.wordsOf(name);
  }

  /** Leads everything before that statement honestly. @returns What an honest coordinator would say then. */
  async due<N extends Stage>(name: N): Promise<Statement<N>> {
    return (await this.#due(name)) as Statement<N>;
  }

  async #due(name: Stage): Promise<object> {
    const { attempt } = this;
    switch (name) {
      case 'roster': {
        const { send, keep } = secagg.closeRoster(
          attempt.checked,
          (await this.#hear('advert')).map(({ opened }) => opened),
        );
        attempt.cohort = keep;
        return send;
      }
      case 'deliver': {
        if (!this.#told.has(`roster/${attempt.plan.digest}`)) this.tell('roster', await this.due('roster'));
        const cohort = attempt.cohort as unknown as secagg.Cohort;
        const dealings = (await this.#hear('shares')).map(({ opened, parcels }) =>
          secagg.acceptShares(cohort, opened as never, parcels),
        );
        attempt.dealt = secagg.closeShares(cohort, dealings);
        this.deliveries ??= (id) => (this.attempt.dealt?.send.get(id)?.deliveries ?? []) as readonly Delivery[];
        const { deliveries, ...header } = [...attempt.dealt.send.values()][0] as secagg.Deliver;
        return { ...header, dealers: deliveries.map(({ x }) => x) };
      }
      case 'survivors': {
        if (!this.#told.has(`deliver/${attempt.plan.digest}`)) this.tell('deliver', await this.due('deliver'));
        const { keep } = attempt.dealt as unknown as ReturnType<typeof secagg.closeShares>;
        const sum = new secagg.MaskedSum(keep);
        for (const { opened } of await this.#hear('masked')) {
          const { body } = opened as unknown as Opened<'masked'>;
          sum.add(body, new Uint32Array(Uint8Array.from(this.blobs.get(body.blobDigest) ?? []).buffer));
        }
        const closed = secagg.closeSurvivors(keep, sum);
        attempt.surviving = closed.keep;
        return closed.send;
      }
      case 'unmask-request': {
        if (!this.#told.has(`survivors/${attempt.plan.digest}`)) this.tell('survivors', await this.due('survivors'));
        const agrees = (await this.#hear('agree')).map(({ opened }) => opened);
        return secagg.closeAgreement(attempt.surviving as unknown as secagg.SurvivingCohort, agrees as never);
      }
    }
  }

  /** The opened sum of an attempt that was led honestly to its end. */
  async open(): Promise<ReturnType<typeof secagg.openSum>> {
    this.tell('unmask-request', await this.due('unmask-request'));
    const surviving = this.attempt.surviving as secagg.SurvivingCohort;
    const replies = (await this.#hear('unmask')).map(({ opened }) =>
      secagg.acceptUnmask(surviving, opened.body as never),
    );
    return secagg.openSum(surviving, replies);
  }

  /** The aggregate of such a sum, with everything published that hospitals read; the head follows from it unless given. */
  aggregate(
    { send, keep }: ReturnType<typeof secagg.openSum>,
    sum = keep.sum,
    model?: Float32Array,
  ): Statement<'secagg-aggregate'> {
    const revealed = canonicalBytes(keep.recovered.map(({ x, type, secret }) => ({ x, type, secret: toHex(secret) })));
    const announced = { ...send, sumDigest: digestBlob(bytesOf(sum)) };
    const head = model ?? this.#headOf(secagg.verifyAggregate(this.#witness(), announced, sum).mean);
    const publish = (bytes: Uint8Array): Digest => {
      this.blobs.set(digestBlob(bytes), bytes);
      return digestBlob(bytes) as Digest;
    };
    publish(bytesOf(sum));
    const { leaves } = this.attempt.surviving?.sum ?? { leaves: new Uint8Array(0) };
    return {
      ...(announced as unknown as Statement<'secagg-aggregate'>),
      ...this.shown(this.evidence()),
      ...{ revealedDigest: publish(revealed), revealedBytes: revealed.length, model: publish(bytesOf(head)) },
      ...{ leavesDigest: publish(leaves), leavesBytes: leaves.length },
    };
  }

  /** What hospitals signed in this attempt, as an honest coordinator shows it. */
  evidence(): secagg.Evidence {
    const of = (name: Word): secagg.Forward[] =>
      this.wordsOf(name)
        .map(({ from, statement }) => ({ x: this.xOf(from), envelope: statement as secagg.Forward['envelope'] }))
        .sort((a, b) => a.x - b.x);
    return { adverts: of('advert'), vectors: of('masked'), agrees: of('agree') };
  }

  /** Published, and named as an aggregate names it. */
  shown(evidence: secagg.Evidence): Pick<Statement<'secagg-aggregate'>, 'evidenceDigest' | 'evidenceBytes'> {
    const bytes = canonicalBytes(evidence as unknown as Json);
    this.blobs.set(digestBlob(bytes), bytes);
    return { evidenceDigest: digestBlob(bytes) as Digest, evidenceBytes: bytes.length };
  }

  #witness(): secagg.Witness {
    const { cohort, dealt } = this.attempt;
    const survivors = this.wordsOf('masked').map(({ from, opened }) => ({
      x: this.xOf(from),
      yRoot: (opened.body as unknown as Statement<'masked'>).yRoot,
    }));
    survivors.sort((a, b) => a.x - b.x);
    return { cohort: cohort as secagg.Cohort, dealt: dealt?.keep.dealt ?? [], survivors };
  }

  #headOf(mean: Float64Array): Float32Array {
    const { head, seed, server } = this.fake.config.body;
    return stepServer(serverOptimizerOf(server), initialParameters(head, seed), mean, []).head;
  }

  xOf(hospital: string): number {
    return this.attempt.plan.body.roster.find(({ hospitalId }) => hospitalId === hospital)?.x ?? 0;
  }

  /** How a hospital ended by its own decision: its code and, of secure rounds, that of libs/secagg. */
  async refusalOf(hospital: string): Promise<string> {
    await until(() => this.outcomes.has(hospital));
    const outcome = this.outcomes.get(hospital);
    if (outcome?.ended !== 'refused-here') return String(outcome?.ended);
    const [detail = ''] = outcome.detail.split(':');
    return outcome.code === 'COORDINATOR_MISBEHAVED' ? detail : outcome.code;
  }

  detailOf(hospital: string): string {
    const outcome = this.outcomes.get(hospital);
    return outcome?.ended === 'refused-here' ? outcome.detail : '';
  }

  /** Ends the run, so that everything told before has had its effect afterwards. */
  async finish(): Promise<void> {
    const { body, digest: configDigest } = this.fake.config;
    this.tell('run-end', {
      ...{ v: 1, runId: body.runId, from: 'coordinator', configDigest },
      ...{ outcome: 'aborted', reason: 'STOPPED', rounds: 0, best: null },
    });
    await until(() => [...this.nodes.keys()].every((name) => this.outcomes.has(name)));
  }

  async dismiss(): Promise<void> {
    for (const node of this.nodes.values()) await node.stop();
    await this.fake.close();
    await this.consortium.dismantle();
  }
}
