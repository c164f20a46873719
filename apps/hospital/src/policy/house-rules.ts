/**
 * The rules of one home: policy.yaml is read anew for each question, so that a person's change holds from then on. A
 * policy that was there and cannot be read any more allows nothing.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HospitalId, Opened, PolicyRule, RunConfig } from '@consilium/protocol';
import type { AnyPlan } from '@consilium/rounds';
import { HospitalError } from '../errors.js';
import { isMissing } from '../durable-file.js';
import type { Credentials } from '../channel/handshake.js';
import { isPaused, isStopped } from '../control/standing.js';
import { readCompared, strangersIn } from '../membership/compared.js';
import type { Approval, HospitalRules } from '../run/hospital-rules.js';
import { verdictOf, type Approvals } from './approvals.js';
import { readPolicy } from './read-policy.js';
import { refusalByPolicy, type LocalFacts } from './refusal.js';
import type { Policy } from './schema.js';
import { roundTerms, runTerms, type RoundTerms, type RunTerms } from './terms.js';

export class HouseRules implements HospitalRules {
  #hadPolicy = false;
  #sentPerRoundMaxBytes = Infinity;

  /** @param cache - where the embeddings are; it counts as disk that is taken. */
  constructor(
    private readonly home: string,
    private readonly cache: string,
    private readonly approvals: Approvals,
    private readonly hospital: Pick<Credentials, 'hospitalId' | 'identity'>,
  ) {}

  /** As it was when the policy was read last, which is at each plan. */
  get sentPerRoundMaxBytes(): number {
    return this.#sentPerRoundMaxBytes;
  }

  refuseRun(config: RunConfig): Promise<PolicyRule | undefined> {
    return this.#refusal(runTerms(config), () => undefined);
  }

  refusePatients(config: RunConfig, patients: () => number | undefined): Promise<PolicyRule | undefined> {
    return this.#refusal(runTerms(config), patients);
  }

  async refuseRound(
    plan: AnyPlan,
    config: RunConfig,
    patients: () => number | undefined,
  ): Promise<PolicyRule | 'PAUSED' | undefined> {
    // Who is to stop after a round begins no other.
    if ((await isPaused(this.home)) || (await isStopped(this.home))) return 'PAUSED';
    // A person may have changed the policy, or their mind, since the run was consented to.
    return (
      (await this.#refusal(runTerms(config), patients)) ??
      (await this.#refusal(roundTerms(plan, config), patients)) ??
      ((await this.#verdict(plan.configDigest)) === 'given' ? undefined : 'NOT_APPROVED')
    );
  }

  async approvalOf(config: Opened<'run-config'>): Promise<Approval> {
    const verdict = await this.#verdict(config.digest);
    if (verdict === 'awaited') await this.approvals.await(config);
    else await this.approvals.settle(config.digest);
    return verdict;
  }

  /** With or without a policy: that there are real hospitals behind a sum is what its privacy rests on. */
  async strangersIn({ roster }: RunConfig): Promise<readonly HospitalId[]> {
    return strangersIn(roster, await readCompared(this.home, this.hospital));
  }

  async #verdict(configDigest: string): Promise<Approval> {
    const policy = await this.#policy();
    // One that became unreadable meanwhile lets nothing pass.
    if (policy === 'unreadable') return 'awaited';
    if (policy === undefined || policy.approval === 'none') return 'given';
    return verdictOf((await this.approvals.of(configDigest))?.decisions ?? [], policy.approvers);
  }

  async #refusal(terms: RunTerms | RoundTerms, patients: () => number | undefined): Promise<PolicyRule | undefined> {
    const policy = await this.#policy();
    if (policy === 'unreadable') return 'POLICY_UNREADABLE';
    return policy === undefined ? undefined : refusalByPolicy(policy, terms, await this.#facts(patients()));
  }

  async #policy(): Promise<Policy | 'unreadable' | undefined> {
    try {
      const policy = await readPolicy(this.home);
      if (policy === undefined) return this.#hadPolicy ? 'unreadable' : undefined;
      this.#hadPolicy = true;
      this.#sentPerRoundMaxBytes = policy.sentPerRoundMax;
      return policy;
    } catch (error) {
      if (error instanceof HospitalError || (error instanceof Error && 'syscall' in error)) return 'unreadable';
      throw error;
    }
  }

  async #facts(patients: number | undefined): Promise<LocalFacts> {
    const now = new Date();
    const isInside = this.cache.startsWith(join(this.home, '/'));
    return {
      patients,
      minuteOfDay: now.getHours() * 60 + now.getMinutes(),
      memoryBytes: process.memoryUsage().rss,
      diskBytes: (await bytesIn(this.home)) + (isInside ? 0 : await bytesIn(this.cache)),
    };
  }
}

/** Of all files under a folder, links not followed; those that vanish meanwhile count nothing. */
export async function bytesIn(folder: string): Promise<number> {
  const gone = (error: unknown): [] => {
    if (isMissing(error)) return [];
    throw error;
  };
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(gone)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += await bytesIn(path);
    else if (entry.isFile())
      sum += await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return sum;
}
