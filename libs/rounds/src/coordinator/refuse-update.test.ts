/**
 * Claims: an update counts only in the open round, for its plan, from its cohort, once, and with the exact size; each
 * refusal has its code. Beside each case stands the mutation of refuse-update.ts that it alone notices.
 * Oracle: the list of reasons in REFUSALS of libs/protocol.
 */
import { describe, expect, it } from 'vitest';
import type { Digest, HospitalId, RunId, UpdateStatement } from '@consilium/protocol';
import { refuseUpdate } from './refuse-update.js';
import type { CoordinatorState, ReceivedUpdate } from './state.js';

const id = (name: string): HospitalId => name as HospitalId;
const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const members = {
  ...{ connected: new Set<HospitalId>(), consented: new Set<HospitalId>(), absent: new Set<HospitalId>() },
  ...{ paused: false, scores: new Map(), summedScores: new Map(), disputes: [] },
};
const received: ReceivedUpdate = {
  hospitalId: id('b'),
  blobDigest: digest('2'),
  blobBytes: 60,
  examples: 1,
  loss: 0.5,
};
const open = { round: 2, attempt: 1, model: digest('1'), cohort: [id('a'), id('b'), id('d')], planDigest: digest('d') };
const collecting: CoordinatorState = {
  ...members,
  phase: 'collecting',
  ...open,
  received: new Map([[received.hospitalId, received]]),
  declined: new Set([id('d')]),
  quorumDue: false,
};
const statement: UpdateStatement = {
  v: 1,
  runId: 'run' as RunId,
  ...{ round: 2, attempt: 1, from: id('a'), planDigest: digest('d') },
  ...{ blobDigest: digest('3'), blobBytes: 60, examples: 5, loss: '0.5' },
};
const refusal = (changes: Partial<UpdateStatement>, state: CoordinatorState = collecting): string | undefined =>
  refuseUpdate(state, { ...statement, ...changes }, 60);

describe('refuseUpdate', () => {
  it('takes an update that fits', () => {
    expect(refusal({})).toBeUndefined();
  });

  // Kills: no check of the phase, or a check against `aggregating` alone.
  it.each<CoordinatorState>([
    { ...members, phase: 'gathering', round: 2, model: digest('1'), overdue: false },
    { ...members, phase: 'planning', round: 2, attempt: 1, model: digest('1'), cohort: open.cohort },
    { ...members, phase: 'aggregating', ...open, updates: [] },
    { ...members, phase: 'closing', round: 2, model: digest('1'), awaiting: new Set(), reason: 'ALL_ROUNDS_DONE' },
    { ...members, phase: 'ended', outcome: 'finished', reason: 'ALL_ROUNDS_DONE', rounds: 2, bestRound: undefined },
  ])('ROUND_CLOSED in $phase', (state) => {
    expect(refusal({}, state)).toBe('ROUND_CLOSED');
  });

  it.each<[string, Partial<UpdateStatement>, string]>([
    ['no comparison of the plan', { planDigest: digest('e') }, 'PLAN_MISMATCH'],
    ['no comparison of the round', { round: 1 }, 'PLAN_MISMATCH'],
    ['`<` for `!==` of the round', { round: 3 }, 'PLAN_MISMATCH'],
    ['no comparison of the attempt', { attempt: 2 }, 'PLAN_MISMATCH'],
    ['no look at the cohort', { from: id('c') }, 'NOT_IN_COHORT'],
    ['no look at what was received', { from: id('b') }, 'UPDATE_DUPLICATE'],
    ['no look at who declined', { from: id('d') }, 'PLAN_DECLINED'],
    ['`<` for `!==` of the size', { blobBytes: 61 }, 'UPDATE_SIZE'],
    ['`>` for `!==` of the size', { blobBytes: 59 }, 'UPDATE_SIZE'],
  ])('notices the mutation: %s', (_mutation, changes, code) => {
    expect(refusal(changes)).toBe(code);
  });

  // Kills: the size before the plan. A hospital that is late by a round must learn that it is late.
  it.each<[Partial<UpdateStatement>, string]>([
    [{ planDigest: digest('e'), blobBytes: 1 }, 'PLAN_MISMATCH'],
    [{ from: id('c'), blobBytes: 1 }, 'NOT_IN_COHORT'],
    [{ from: id('b'), blobBytes: 1 }, 'UPDATE_DUPLICATE'],
  ])('names the first reason: %j is %s', (changes, code) => {
    expect(refusal(changes)).toBe(code);
  });
});
