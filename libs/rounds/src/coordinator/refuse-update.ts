/** Whether an update may still count, decided from its signed statement alone, before a byte of it is stored. */
import type { RefusalCode, UpdateStatement } from '@consilium/protocol';
import type { CoordinatorState } from './state.js';

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
