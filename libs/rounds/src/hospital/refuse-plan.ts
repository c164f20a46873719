/** Whether a secure plan is one of the configuration that this hospital consented to: the coordinator may not choose anew. */
import type { RunConfig, SecAggPlanStatement } from '@consilium/protocol';
import { SECURE_METRICS } from '../figures.js';

/** @returns The field that differs; undefined for a plan that follows from the configuration. */
export function differingField(plan: SecAggPlanStatement, config: RunConfig): string | undefined {
  const { secagg } = config;
  if (secagg === undefined) return 'mode';
  const expected: Partial<Record<keyof SecAggPlanStatement, unknown>> = {
    runId: config.runId,
    ...{ tolerated: secagg.tolerated, weightCap: secagg.weightCap, zMax: secagg.zMax },
    ...{ weighting: config.weighting, clipNorm: config.clipNorm },
    minCohort: Math.min(config.minHospitals, plan.roster.length),
    parameters: plan.purpose === 'train' ? config.parameters : 0,
  };
  // The figures of the last head are summed in a round of their own.
  const lastRound = config.rounds + (plan.purpose === 'train' ? 0 : 1);
  if (plan.round > lastRound) return 'round';
  const field = Object.entries(expected).find(([name, value]) => plan[name as keyof typeof expected] !== value)?.[0];
  if (field !== undefined) return field;
  const isSameMetric = ({ name, max }: { name: string; max: number }, i: number): boolean =>
    name === SECURE_METRICS[i]?.name && max === SECURE_METRICS[i].max;
  if (plan.metrics.length !== SECURE_METRICS.length || !plan.metrics.every(isSameMetric)) return 'metrics';
  const keys = new Map(config.roster.map(({ hospitalId, identityKey }) => [hospitalId, identityKey]));
  // Nobody who was not on the roster that people compared.
  const isKnown = plan.roster.every(({ hospitalId, identityKey }) => keys.get(hospitalId) === identityKey);
  if (!isKnown || plan.roster.length < config.minHospitals) return 'roster';
  return undefined;
}
