/**
 * The sealed rounds of one run, led beside the machine: makes the key of each round, opens its updates, sums them. The key is
 * in the store with the plan, encrypted, and is erased with the aggregate.
 */
import { digestBlob, openAtRest, sealAtRest, type Identity, type RoundKey } from '@consilium/crypto';
import type { Digest, ExcludedUpdate, Opened } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import { robustSum } from './robust-sum.js';
import { averageSealed } from './sealed-sum.js';
import { WORK_RETRY_MS, type RoundsPorts } from './rounds-ports.js';
import { serverStep } from './server-step.js';
import { documentOf, openOwn, ROUND_KEY, type Effect } from './statements.js';

export interface SealedRoundsPorts extends RoundsPorts {
  readonly identity: Identity;
  /** A fresh X25519 key pair for each attempt of a round. */
  readonly makeRoundKey: () => RoundKey;
}

interface Round {
  readonly plan: Opened<'plan'>;
  readonly secretKey: Uint8Array;
  readonly startedMs: number;
}

export class SealedRounds {
  #round: Round | undefined;

  constructor(private readonly ports: SealedRoundsPorts) {}

  /** The plan and the key of the round that the crash interrupted. */
  async reopen(planDigest: Digest): Promise<void> {
    const { store, identity, clock } = this.ports;
    const { runId } = this.ports.config.body;
    const [plan, sealed] = await Promise.all([store.document(runId, planDigest), store.secret(runId, ROUND_KEY)]);
    if (plan === undefined || sealed === undefined) throw new StoreError('STORE_CORRUPT', 'the open round has no key');
    this.#round = {
      plan: openOwn(identity, 'plan', plan),
      secretKey: openAtRest(sealed, identity, keyContext(runId, planDigest)),
      startedMs: clock.nowMs(),
    };
  }

  /** The key and the plan of the round that is open, for checking updates; undefined between rounds. */
  get open(): { readonly plan: Opened<'plan'>; readonly secretKey: Uint8Array } | undefined {
    return this.#round;
  }

  async signPlan({ round, attempt, model, cohort }: Effect<'sign-plan'>): Promise<void> {
    const { publicKey, secretKey } = this.ports.makeRoundKey();
    const plan = this.ports.statements.plan({ round, attempt, model, cohort }, publicKey);
    this.#round = { plan, secretKey, startedMs: this.ports.clock.nowMs() };
    // The key is stored with the plan and erased with the aggregate: without it, updates that were acknowledged would be
    // lost with the process. It is encrypted, so a copy of the store opens nothing.
    const sealedKey = sealAtRest(secretKey, this.ports.identity, keyContext(this.#runId, plan.digest));
    await this.ports.internally(
      { type: 'plan-signed', round, attempt, planDigest: plan.digest },
      { documents: [documentOf('plan', plan)], secrets: [{ name: ROUND_KEY, value: sealedKey }] },
    );
  }

  publishPlan(): void {
    if (this.#round === undefined) return;
    const { plan } = this.#round;
    const { round, cohort: hospitals } = plan.body;
    this.ports.say({ event: 'round-started', run: this.#runId, round, hospitals, purpose: 'train' });
    this.ports.push('plan', plan);
  }

  async aggregate(effect: Effect<'aggregate'>): Promise<void> {
    const { round, attempt, planDigest, updates } = effect;
    const { store, lease, clock, log } = this.ports;
    const { body } = this.ports.config;
    for (;;) {
      try {
        const before = await this.ports.models.read(effect.model);
        const key = this.#round?.secretKey;
        if (key === undefined) return;
        const context = { runId: body.runId, round, attempt, planDigest };
        const { aggregation } = body;
        const { mean, totalExamples, exclusions } =
          aggregation === undefined
            ? { ...(await averageSealed(store.blobs, updates, before.length, key, context)), exclusions: [] }
            : await robustSum(
                { blobs: store.blobs, roundSecretKey: key, context, config: { ...body, aggregation } },
                updates,
              );
        if (mean === undefined) {
          this.#sayExcluded(round, exclusions);
          await this.ports.internally({ type: 'too-few-left', planDigest, exclusions });
          return;
        }
        const model = await serverStep({ blobs: store.blobs, lease: lease() }, body, { round, head: before }, mean);
        const digest = digestBlob(floatBytes(model)) as Digest;
        await this.ports.models.keep(lease(), round, digest, model);
        await this.ports.internally({
          ...{ type: 'aggregated', planDigest, model: digest, totalExamples },
          ...(exclusions.length > 0 && { exclusions }),
        });
        return;
      } catch (error) {
        // What is not there, or not whole, will not be there later.
        if (!this.ports.mayPass(error)) {
          await this.ports.fail(error);
          return;
        }
        log.error({ err: error, run: body.runId }, 'the store interrupted the sum; it is begun again');
        await clock.sleep(WORK_RETRY_MS);
      }
    }
  }

  publishAggregate(effect: Effect<'publish-aggregate'>): void {
    const { round, updates, exclusions, cohort } = effect;
    this.ports.push('aggregate', this.ports.statements.aggregate(effect));
    this.#sayExcluded(round, exclusions);
    const ended = this.#round;
    this.#round = undefined;
    ended?.secretKey.fill(0);
    this.ports.say({
      event: 'round-done',
      run: this.#runId,
      round,
      seconds: (this.ports.clock.nowMs() - (ended?.startedMs ?? 0)) / 1_000,
      hospitals: updates.map(({ hospitalId, examples, loss }) => ({ id: hospitalId, trainExamples: examples, loss })),
      missing: cohort.filter((id) => ![...updates, ...exclusions].some(({ hospitalId }) => hospitalId === id)),
      totals: {
        weight: effect.totalExamples,
        loss: updates.reduce((sum, { loss }) => sum + loss, 0) / updates.length,
      },
    });
    void this.forgetUpdates(`update/${round}`);
  }

  #sayExcluded(round: number, exclusions: readonly ExcludedUpdate[]): void {
    for (const { hospitalId: hospital, reason } of exclusions) {
      this.ports.say({ event: 'excluded', run: this.#runId, round, hospital, reason });
    }
  }

  /** @param prefix - absent: also of rounds that were not completed, and what a crash has left of others. */
  async forgetUpdates(prefix = 'update'): Promise<void> {
    const { store, lease, clock, log } = this.ports;
    for (;;) {
      try {
        await store.blobs.remove(lease(), this.#runId, prefix);
        return;
      } catch (error) {
        if (this.ports.mayPass(error)) await clock.sleep(WORK_RETRY_MS);
        else {
          log.error(
            { err: error, run: this.#runId },
            'sealed updates that are not needed any more could not be removed',
          );
          return;
        }
      }
    }
  }

  forget(): void {
    this.#round?.secretKey.fill(0);
    this.#round = undefined;
  }

  get #runId() {
    return this.ports.config.body.runId;
  }
}

const keyContext = (runId: string, planDigest: string): string => `${ROUND_KEY}/${runId}/${planDigest}`;
