/** The end of a run, from any phase. */
import type { RunEnd } from '@consilium/protocol';
import { members, stay } from './carried.js';
import { bestRound } from './selection.js';
import type { CoordinatorState, Step } from './state.js';

export function end(state: CoordinatorState, outcome: RunEnd['outcome'], reason: RunEnd['reason']): Step {
  if (state.phase === 'ended') return stay(state);
  const rounds = completedRounds(state);
  const closing = { outcome, reason, rounds, bestRound: bestRound(state) };
  return {
    state: { ...members(state), phase: 'ended', ...closing },
    effects: [{ type: 'end-run', ...closing }],
  };
}

/** Rounds that have ended with a head. */
export const completedRounds = (state: Exclude<CoordinatorState, { phase: 'ended' }>): number =>
  state.phase === 'closing' ? state.round : state.round - 1;
