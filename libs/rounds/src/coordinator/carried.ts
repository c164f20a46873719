/** What a step takes along from one phase to the next, and the step that leads nowhere. */
import type { CoordinatorState, OpenRound, Step } from './state.js';

export const stay = (state: CoordinatorState): Step => ({ state, effects: [] });

export const members = ({
  connected,
  consented,
  absent,
  paused,
  scores,
  summedScores,
  disputes,
}: CoordinatorState) => ({
  ...{ connected, consented, absent, paused, scores, summedScores, disputes },
});

export const openRound = ({ round, attempt, model, cohort, secure }: OpenRound): OpenRound => ({
  ...{ round, attempt, model, cohort },
  ...(secure && { secure }),
});
