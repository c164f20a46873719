/** Whether an update may still count, decided from its signed statement alone, before a byte of it is stored. */
import type { Digest, HospitalId, RefusalCode, UpdateStatement } from '@consilium/protocol';
import { isSecureStage, speakers } from './secure.js';
import type { CoordinatorState, SecureStage } from './state.js';

/** @param expectedBytes - exact size of a sealed update of this run: known from the configuration. */
export function refuseUpdate(
  state: CoordinatorState,
  statement: UpdateStatement,
  expectedBytes: number,
): RefusalCode | undefined {
  if (state.phase !== 'collecting') return 'ROUND_CLOSED';
  if (statement.planDigest !== state.planDigest) return 'PLAN_MISMATCH';
  if (statement.round !== state.round || statement.attempt !== state.attempt) return 'PLAN_MISMATCH';
  if (!state.cohort.includes(statement.from)) return 'NOT_IN_COHORT';
  if (state.received.has(statement.from)) return 'UPDATE_DUPLICATE';
  if (state.declined.has(statement.from)) return 'PLAN_DECLINED';
  if (statement.blobBytes !== expectedBytes) return 'UPDATE_SIZE';
  return undefined;
}

/** Whether a hospital's word may still count at its stage of a secure round. */
export function refuseWord(
  state: CoordinatorState,
  stage: SecureStage,
  { from, planDigest }: { readonly from: HospitalId; readonly planDigest: Digest },
): RefusalCode | undefined {
  if (!isSecureStage(state) || state.phase !== stage) return 'ROUND_CLOSED';
  if (planDigest !== state.planDigest) return 'PLAN_MISMATCH';
  if (!speakers(state, stage).includes(from)) return 'NOT_IN_COHORT';
  if (state.said[stage].has(from)) return 'UPDATE_DUPLICATE';
  if (state.declined.has(from)) return 'PLAN_DECLINED';
  return undefined;
}
