/** What a lying coordinator knows of the attempt that it leads. */
import type { Opened } from '@consilium/protocol';
import * as secagg from '@consilium/secagg';

export class Attempt {
  readonly checked: secagg.CheckedPlan;
  cohort?: ReturnType<typeof secagg.closeRoster>['keep'];
  dealt?: ReturnType<typeof secagg.closeShares>;
  surviving?: secagg.SurvivingCohort;
  constructor(readonly plan: Opened<'secagg-plan'>) {
    this.checked = secagg.checkPlan(plan);
  }
}
