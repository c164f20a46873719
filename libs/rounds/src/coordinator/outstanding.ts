/** What each phase waits for: asked for when it begins, and again by a new process. */
import type { HospitalId } from '@consilium/protocol';
import { openRound } from './carried.js';
import { secureRound, stageTimer } from './secure.js';
import {
  SECURE_STAGES,
  type CoordinatorEffect,
  type CoordinatorState,
  type RunRules,
  type SecureRules,
  type SecureStage,
} from './state.js';

/** What a phase waits for, from its beginning; a new process asks for the same again, with whole periods. */
export function outstanding(rules: RunRules, state: CoordinatorState): CoordinatorEffect[] {
  switch (state.phase) {
    case 'gathering':
      return [{ type: 'set-timer', key: `gather:${state.round}`, delayMs: rules.gatherTimeoutMs }];
    case 'planning':
      return [{ type: 'sign-plan', ...openRound(state) }];
    case 'collecting':
    case 'advertising': {
      const place = `${state.round}:${state.attempt}`;
      return [
        { type: 'publish-plan', planDigest: state.planDigest },
        { type: 'set-timer', key: `round:${place}`, delayMs: rules.roundTimeoutMs },
        ...(rules.quorum === undefined || state.quorumDue
          ? []
          : [{ type: 'set-timer' as const, key: `quorum:${place}`, delayMs: rules.quorum.afterMs }]),
      ];
    }
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking':
    case 'opening': {
      const answered =
        state.phase === 'opening'
          ? 'unmasking'
          : (SECURE_STAGES[SECURE_STAGES.indexOf(state.phase) - 1] as SecureStage);
      const { stageTimeoutMs } = rules.secagg as SecureRules;
      return [
        { type: 'close-stage', stage: answered, ...secureRound(state) },
        ...(state.phase === 'opening'
          ? []
          : [{ type: 'set-timer' as const, key: stageTimer(state, state.phase), delayMs: stageTimeoutMs }]),
      ];
    }
    case 'aggregating':
      return [{ type: 'aggregate', ...openRound(state), planDigest: state.planDigest, updates: state.updates }];
    case 'closing':
      return [{ type: 'set-timer', key: 'closing', delayMs: rules.roundTimeoutMs }];
    case 'ended':
      return [];
  }
}

export const absenceTimer = (rules: Pick<RunRules, 'absenceGraceMs'>, hospitalId: HospitalId): CoordinatorEffect => ({
  type: 'set-timer',
  key: `absence:${hospitalId}`,
  delayMs: rules.absenceGraceMs,
});
