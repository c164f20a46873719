/** What a hospital itself has to say about a run, behind one port: its policy, its people, whom it knows, its pause. */
import type { HospitalId, Opened, PolicyRule, RunConfig } from '@consilium/protocol';
import type { AnyPlan } from '@consilium/rounds';

export type Approval = 'given' | 'denied' | 'awaited';

export interface HospitalRules {
  /** Asked before any work for the run is done. */
  refuseRun(config: RunConfig): Promise<PolicyRule | undefined>;
  /** Keeps the configuration where a person can look at it, as long as the answer is `awaited`. */
  approvalOf(config: Opened<'run-config'>): Promise<Approval>;
  /** Those of its roster whom no person here has compared with other hospitals: it is waited until there are none. */
  strangersIn(config: RunConfig): Promise<readonly HospitalId[]>;
  /**
   * Asked before any work for the round is done, and once more for the run when the data was read.
   *
   * @param patients - in the training part.
   */
  refuseRound(
    plan: AnyPlan,
    config: RunConfig,
    patients: () => number | undefined,
  ): Promise<PolicyRule | 'PAUSED' | undefined>;
  refusePatients(config: RunConfig, patients: () => number | undefined): Promise<PolicyRule | undefined>;
}

/** A hospital that has no policy: what the protocol and hospital.yaml allow. */
export const noRules: HospitalRules = {
  refuseRun: () => Promise.resolve(undefined),
  approvalOf: () => Promise.resolve('given'),
  strangersIn: () => Promise.resolve([]),
  refuseRound: () => Promise.resolve(undefined),
  refusePatients: () => Promise.resolve(undefined),
};
