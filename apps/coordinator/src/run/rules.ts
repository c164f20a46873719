/** The signed configuration as the rules of the machine. */
import type { Evaluation, RunConfig } from '@consilium/protocol';
import type { RunRules, Score, SummedFigures } from '@consilium/rounds';

export function rulesOf({ roster, stragglers, selection, secagg, ...config }: RunConfig): RunRules {
  const { rounds, minHospitals, gatherTimeoutMs, roundTimeoutMs, absenceGraceMs, initialModel } = config;
  return {
    roster: roster.map(({ hospitalId }) => hospitalId),
    ...{ rounds, minHospitals, gatherTimeoutMs, roundTimeoutMs, absenceGraceMs, initialModel },
    ...(stragglers === null ? {} : { quorum: { hospitals: stragglers.quorum, afterMs: stragglers.afterMs } }),
    ...(secagg && { secagg: { tolerated: secagg.tolerated, stageTimeoutMs: secagg.stageTimeoutMs } }),
    ...(selection.patienceRounds === 0 ? {} : { patienceRounds: selection.patienceRounds }),
  };
}

/** @returns null where the hospital holds nothing out, or its part does not define the metric. */
export function scoreOf(
  scores: Evaluation['scores'] | SummedFigures,
  metric: RunConfig['selection']['metric'],
): Score | null {
  const value = scores?.[metric];
  if (scores === null || value === null || value === undefined) return null;
  // Not a minus sign: -0 would come back from the log as 0.
  return { examples: scores.examples, value: metric === 'loss' ? 0 - Number(value) : Number(value) };
}
