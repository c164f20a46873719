/**
 * Claims: the rules R1 to R4 of SPEC section 6, each as what a record allows and what it forbids, also after it was written
 * and read again (a restart); no record is ever changed in place. Oracle: the rules' text.
 */
import { describe, expect, it } from 'vitest';
import { actors, checkedPlan, planOf, policy } from './rehearsal.js';
import * as rules from './record.js';
import type { SecAggPlan } from './params.js';

const cast = actors(7);
const base = planOf(cast, { tolerated: 1 });
const planned = (changes: Partial<SecAggPlan> = {}) => checkedPlan({ ...base, ...changes });
const now = base.issuedAtMs;
const fresh = rules.startRecord('run-1');
const refusal = (code: string): Error => expect.objectContaining({ name: 'SecAggError', code }) as Error;
const [session, other] = ['aa'.repeat(32), 'bb'.repeat(32)];
const [set, otherSet] = ['01'.repeat(32), '02'.repeat(32)];

const adverted = rules.recordAdvert(fresh, planned(), policy, now);
const dealt = rules.recordDealt(adverted, planned(), session);
const masked = rules.recordMasked(dealt, session, set);
const agreed = rules.recordAgreed(masked, session, set);
const unmasked = rules.recordUnmasked(agreed, session, set);
const restarted = <T>(record: T): T => JSON.parse(JSON.stringify(record)) as T;

describe('one attempt', () => {
  it('is said in one order, each thing once', () => {
    const again = [
      () => rules.recordAdvert(adverted, planned(), policy, now),
      () => rules.recordDealt(fresh, planned(), session),
      () => rules.recordDealt(dealt, planned(), other),
      () => rules.recordDealt(adverted, planned({ model: '22'.repeat(32) }), session),
      () => rules.recordMasked(fresh, session, set),
      () => rules.recordMasked(adverted, session, set),
      () => rules.recordMasked(masked, session, otherSet),
      () => rules.recordMasked(dealt, other, set),
      () => rules.recordAgreed(fresh, session, set),
      () => rules.recordAgreed(dealt, session, set),
      () => rules.recordAgreed(agreed, session, otherSet),
      () => rules.recordAgreed(agreed, session, set),
      () => rules.recordAgreed(masked, other, set),
      () => rules.recordUnmasked(fresh, session, set),
      () => rules.recordUnmasked(masked, session, set),
      () => rules.recordUnmasked(agreed, session, otherSet),
      () => rules.recordUnmasked(agreed, other, set),
      () => rules.recordUnmasked(unmasked, session, set),
    ];
    for (const step of again) expect(step).toThrow(refusal('ALREADY_SAID'));
    expect(fresh).toEqual({ runId: 'run-1', lastCompleted: 0, open: null });
  });

  it('has no secret, and is the same after a restart', () => {
    for (const record of [adverted, dealt, masked, agreed, unmasked]) expect(restarted(record)).toEqual(record);
    expect(Object.keys(unmasked.open ?? {}).sort()).toEqual(
      ['attempt', 'planDigest', 'roster', 'round', 'said', 'sessionId', 'survivorsDigest', 'threshold'].sort(),
    );
  });
});

describe('a later attempt', () => {
  const retry = planned({ attempt: 2 });
  it.each([
    ['advert', adverted],
    ['shares', dealt],
    ['vector', masked],
    ['agreement', agreed],
  ])('is answered if nothing but the %s left', (_, record) => {
    expect(rules.recordAdvert(restarted(record), retry, policy, now).open).toMatchObject({
      attempt: 2,
      said: 'adverted',
    });
  });

  it('is refused for ever once shares were given, whatever the coordinator says of the first', () => {
    for (const attempt of [2, 3, 1_000]) {
      const plan = planned({ attempt, roster: base.roster.slice(1), threshold: base.threshold });
      expect(() => rules.recordAdvert(restarted(unmasked), plan, policy, now)).toThrow(refusal('RETRY_REFUSED'));
    }
  });

  it('keeps the threshold and has no new hospital', () => {
    const fewer = planned({ attempt: 2, roster: base.roster.slice(1) });
    expect(rules.recordAdvert(masked, fewer, policy, now).open?.attempt).toBe(2);
    const lower = planned({ attempt: 2, roster: base.roster.slice(2), threshold: base.threshold - 1 });
    expect(() => rules.recordAdvert(masked, lower, policy, now)).toThrow(refusal('RETRY_REFUSED'));
    const higher = planned({ attempt: 2, threshold: base.threshold + 1 });
    expect(() => rules.recordAdvert(masked, higher, policy, now)).toThrow(refusal('RETRY_REFUSED'));
    const strangers = base.roster.map((entry) => (entry.x === 7 ? { ...entry, hospitalId: 'new' } : entry));
    expect(() => rules.recordAdvert(masked, planned({ attempt: 2, roster: strangers }), policy, now)).toThrow(
      refusal('RETRY_REFUSED'),
    );
  });

  it('is not an earlier one, nor another plan of the same', () => {
    const second = rules.recordAdvert(masked, retry, policy, now);
    expect(() => rules.recordAdvert(second, planned(), policy, now)).toThrow(refusal('PLAN_STALE'));
    const twin = planned({ attempt: 2, model: '33'.repeat(32) });
    expect(() => rules.recordAdvert(second, twin, policy, now)).toThrow(refusal('PLAN_STALE'));
  });
});

describe('a plan', () => {
  it.each<[string, Partial<SecAggPlan>]>([
    ['of another run', { runId: 'run-2' }],
    ['of a round that is too early', { round: 2 }],
    ['issued in the future', { issuedAtMs: now + 60_001, deadlineMs: now + 70_000 }],
    ['that is eleven minutes old', { issuedAtMs: now - 660_000 }],
    ['whose deadline has passed', { issuedAtMs: now - 10, deadlineMs: now - 1 }],
  ])('%s is stale', (_, changes) => {
    expect(() => rules.recordAdvert(fresh, planned(changes), policy, now)).toThrow(refusal('PLAN_STALE'));
  });

  it.each<[string, Partial<SecAggPlan>]>([
    ['ends in this millisecond', { issuedAtMs: now - 10, deadlineMs: now }],
    ['is as old as it may be', { issuedAtMs: now - 600_000 }],
    ['is as early as a clock may be wrong', { issuedAtMs: now + 60_000 }],
  ])('that %s is answered', (_, changes) => {
    expect(rules.recordAdvert(fresh, planned(changes), policy, now).open?.said).toBe('adverted');
  });

  it('that meets the hospital’s floors exactly is answered', () => {
    const plan = planned();
    const exact = { ...policy, minTolerated: plan.body.tolerated, minCohort: plan.floor };
    expect(rules.recordAdvert(fresh, plan, exact, now).open?.said).toBe('adverted');
  });

  it('below the hospital’s own floors is unsafe', () => {
    for (const stricter of [{ minTolerated: 2 }, { minCohort: 6 }]) {
      expect(() => rules.recordAdvert(fresh, planned(), { ...policy, ...stricter }, now)).toThrow(
        refusal('PLAN_UNSAFE'),
      );
    }
  });
});

describe('a completed round', () => {
  it('does not come back, and the next one is answered', () => {
    const done = rules.recordCompleted(unmasked, 1);
    expect(done).toEqual({ runId: 'run-1', lastCompleted: 1, open: null });
    expect(() => rules.recordAdvert(done, planned({ attempt: 9 }), policy, now)).toThrow(refusal('PLAN_STALE'));
    expect(rules.recordAdvert(done, planned({ round: 2 }), policy, now).open?.round).toBe(2);
    expect(() => rules.recordCompleted(done, 1)).toThrow(refusal('PLAN_STALE'));
    expect(() => rules.recordCompleted(done, 3)).toThrow(refusal('PLAN_STALE'));
  });

  it('that summed figures alone is the last: a second sum of the same figures would show one hospital’s', () => {
    const over = rules.recordCompleted(unmasked, 1, true);
    expect(() => rules.recordAdvert(over, planned({ round: 2 }), policy, now)).toThrow(refusal('PLAN_UNSAFE'));
    const read = JSON.parse(JSON.stringify(over)) as typeof over;
    expect(() => rules.recordAdvert(read, planned({ round: 2 }), policy, now)).toThrow(refusal('PLAN_UNSAFE'));
  });

  it('was opened once: a sum of another attempt of it is not believed', () => {
    const { planDigest, round } = unmasked.open as rules.OpenAttempt;
    expect(() => {
      rules.requireOneSum(unmasked, round, 'ab'.repeat(32));
    }).toThrow(refusal('RETRY_REFUSED'));
    rules.requireOneSum(unmasked, round, planDigest);
    rules.requireOneSum(unmasked, round + 1, 'ab'.repeat(32));
  });
});
