/**
 * Claims, of hospitals that dispute each other's shares in a secure round: (1) the round goes on without both, with the same
 * threshold, and both are back in the next one; so a liar costs a round one honest hospital and no more; whoever is in a second
 * dispute with another hospital is in no later round, and a pair that disputes again neither; (2) where too few are
 * left, or it was the last attempt, the run ends and says why; one that only sums figures is finished; (3) a complaint about
 * oneself, of or by an outsider, after one's own vector, for another plan or at another stage changes nothing.
 * Oracle: libs/secagg/SPEC.md, section 8, by hand.
 */
import { describe, expect, it } from 'vitest';
import { leftOutOver } from './disputes.js';
import { digest, id, join } from './samples.js';
import {
  SECURE_STAGES,
  type CoordinatorEvent,
  type CoordinatorState,
  type OpenedSum,
  type RunRules,
  type SecureStage,
} from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

const SEVEN = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
/** n = 7, c = 2: t = 5. */
const RULES: RunRules = {
  roster: SEVEN.map(id),
  ...{ rounds: 1, minHospitals: 3, gatherTimeoutMs: 1_000, roundTimeoutMs: 2_000, absenceGraceMs: 300 },
  initialModel: digest('m0'),
  secagg: { tolerated: 2, stageTimeoutMs: 500 },
};

function run(events: readonly CoordinatorEvent[], rules = RULES): CoordinatorState {
  let { state } = startCoordinator(rules);
  for (const event of events) ({ state } = stepCoordinator(rules, state, event));
  return state;
}
const plan = (round: number, attempt: number) => digest(`plan${round}.${attempt}`);
const signed = (round: number, attempt: number): CoordinatorEvent => ({
  ...{ type: 'plan-signed', round, attempt, planDigest: plan(round, attempt) },
});
const word = (stage: SecureStage, name: string, planDigest = plan(1, 1)): CoordinatorEvent => ({
  ...{ type: 'said', stage, hospitalId: id(name), planDigest },
  word: { digest: digest(`${stage}-${name}`), blob: { digest: digest(`y-${name}`), bytes: 60 } },
});
const upTo = (stage: SecureStage, names = SEVEN, planDigest = plan(1, 1)): CoordinatorEvent[] =>
  SECURE_STAGES.slice(0, SECURE_STAGES.indexOf(stage)).flatMap((earlier) =>
    // Five agreements are enough: a sixth would come too late.
    names.slice(0, earlier === 'agreeing' ? 5 : 7).map((name) => word(earlier, name, planDigest)),
  );
const dispute = (by: string, accused: string, planDigest = plan(1, 1)): CoordinatorEvent => ({
  ...{ type: 'disputed', planDigest, hospitalId: id(by), accused: id(accused) },
});
const first = [...join(...SEVEN), signed(1, 1)];
const sum: OpenedSum = {
  ...{ sessionId: digest('s'), survivors: [1, 2, 3, 4, 5], sumDigest: digest('sum'), recovered: [], vectors: [] },
  ...{ evidenceDigest: digest('e'), evidenceBytes: 1 },
  ...{ revealedDigest: digest('r'), revealedBytes: 1, leavesDigest: digest('l'), leavesBytes: 160 },
  ...{ totalWeight: 40, loss: 0.5, figures: null, score: null },
};

describe('shares that are disputed', () => {
  const disputed = [...first, ...upTo('masking'), word('masking', 'a'), dispute('b', 'd')];

  it('cost the round both hospitals, and no more: it is tried again with the same threshold', () => {
    const cohort = ['a', 'c', 'e', 'f', 'g'];
    expect(run(disputed)).toMatchObject({ phase: 'planning', round: 1, attempt: 2, cohort, secure: { threshold: 5 } });
    expect(run([...disputed, signed(1, 2)])).toMatchObject({ phase: 'advertising', attempt: 2 });
    // The other complaints about the same dealer come too late to matter.
    expect(run([...disputed, dispute('c', 'd')])).toEqual(run(disputed));
  });

  it('do not cost the next round anybody', () => {
    const again = ['a', 'c', 'e', 'f', 'g'];
    const done = [
      ...[...disputed, signed(1, 2), ...upTo('unmasking', again, plan(1, 2))],
      ...again.map((name) => word('unmasking', name, plan(1, 2))),
      { type: 'opened', planDigest: plan(1, 2), model: digest('m1'), sum } as const,
    ];
    expect(run(done, { ...RULES, rounds: 2 })).toMatchObject({ phase: 'planning', round: 2, cohort: SEVEN });
  });

  describe('in more than one round', () => {
    const rules = { ...RULES, rounds: 9 };
    /** A round in which `by` accuses, from its plan to its sum over those who are left. */
    const roundOf = (round: number, by: string, accused: string, cohort = SEVEN): CoordinatorEvent[] => {
      const [one, two] = [plan(round, 1), plan(round, 2)];
      const left = cohort.filter((name) => name !== by && name !== accused);
      return [
        ...[signed(round, 1), ...upTo('masking', cohort, one), dispute(by, accused, one), signed(round, 2)],
        ...[...upTo('unmasking', left, two), ...left.map((name) => word('unmasking', name, two))],
        { type: 'opened', planDigest: two, model: digest(`m${round}`), sum },
      ];
    };
    const all = join(...SEVEN);
    const but = (...names: string[]) => SEVEN.filter((name) => !names.includes(name));

    it('with two others leave the one out that is in both: a liar costs no round for ever', () => {
      const twice = [...all, ...roundOf(1, 'b', 'd'), ...roundOf(2, 'b', 'e')];
      expect(run(twice, rules)).toMatchObject({ phase: 'planning', round: 3, cohort: but('b') });
      // It is accused, and not the accuser: which of them lies nobody sees.
      const accused = [...all, ...roundOf(1, 'd', 'b'), ...roundOf(2, 'e', 'b')];
      expect(run(accused, rules)).toMatchObject({ phase: 'planning', round: 3, cohort: but('b') });
    });

    it('of one pair leave both out, and people are told', () => {
      const twice = [...all, ...roundOf(1, 'b', 'd'), ...roundOf(2, 'd', 'b')];
      expect(run(twice, rules)).toMatchObject({ phase: 'planning', round: 3, cohort: but('b', 'd') });
      const at = twice.findIndex((event) => event.type === 'disputed' && event.planDigest === plan(2, 1));
      const { effects } = stepCoordinator(rules, run(twice.slice(0, at), rules), twice[at] as CoordinatorEvent);
      expect(effects[0]).toEqual({ type: 'leave-out', round: 2, hospitals: [id('b'), id('d')] });
      const once = roundOf(1, 'b', 'd');
      const first = once.findIndex(({ type }) => type === 'disputed');
      const state = run([...all, ...once.slice(0, first)], rules);
      expect(stepCoordinator(rules, state, once[first] as CoordinatorEvent).effects).not.toContainEqual(
        expect.objectContaining({ type: 'leave-out' }),
      );
    });

    it('follow from the log alone', () => {
      const twice = [...all, ...roundOf(1, 'b', 'd'), ...roundOf(2, 'b', 'e'), { type: 'restarted' } as const];
      expect(run(JSON.parse(JSON.stringify(twice)) as CoordinatorEvent[], rules)).toMatchObject({
        ...{ phase: 'planning', cohort: but('b') },
      });
    });
  });

  it.each<[string, string[], string]>([
    ['one dispute', ['bd'], ''],
    ['two of others', ['bd', 'ac'], ''],
    ['a second with another', ['bd', 'eb'], 'b'],
    ['the same again', ['bd', 'bd'], 'bd'],
    ['one with somebody who is out, which does not count', ['bd', 'be', 'da'], 'b'],
    ['a third with another, after that', ['bd', 'be', 'da', 'dc'], 'bd'],
    ['two at once', ['ab', 'cd', 'bc'], 'bc'],
  ])('leave out, of %s: %j -> %j', (_, pairs, out) => {
    const disputes = pairs.map(([by = '', accused = '']) => ({ by: id(by), accused: id(accused) }));
    expect([...leftOutOver(disputes)].sort().join('')).toBe(out);
  });

  it('end the run where too few are left without both, or it was the last attempt', () => {
    const ended = { phase: 'ended', outcome: 'aborted', reason: 'SHARES_DISPUTED' };
    const six = { ...RULES, minHospitals: 6 };
    expect(run(disputed, six)).toMatchObject(ended);
    const five = ['a', 'c', 'e', 'f', 'g'];
    const second = [...disputed, signed(1, 2), ...upTo('masking', five, plan(1, 2)), dispute('a', 'c', plan(1, 2))];
    expect(run(second)).toMatchObject(ended);
  });

  it('do not undo a run of which only the last figures are missing', () => {
    const names = SEVEN.map((name) => word('unmasking', name));
    const evaluating = [
      ...[...first, ...upTo('unmasking'), ...names],
      { type: 'opened', planDigest: plan(1, 1), model: digest('m1'), sum } as const,
      ...[signed(2, 1), ...upTo('masking', SEVEN, plan(2, 1)), dispute('b', 'd', plan(2, 1))],
    ];
    expect(run(evaluating)).toMatchObject({ phase: 'ended', outcome: 'finished', reason: 'ALL_ROUNDS_DONE' });
  });

  it.each([
    ['of itself', dispute('b', 'b')],
    ['of an outsider', dispute('b', 'z')],
    ['by an outsider', dispute('z', 'b')],
    ['after its own vector', dispute('a', 'b')],
    ['for another plan', dispute('b', 'c', plan(1, 2))],
  ])('are not heard %s', (_, event) => {
    const before = [...first, ...upTo('masking'), word('masking', 'a')];
    expect(run([...before, event])).toEqual(run(before));
  });

  it.each(['advertising', 'sharing', 'agreeing', 'unmasking'] as const)('are not heard while %s', (stage) => {
    const before = [...first, ...upTo(stage)];
    expect(run(before).phase).toBe(stage);
    expect(run([...before, dispute('b', 'c')])).toEqual(run(before));
  });
});
