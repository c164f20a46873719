/**
 * Claims, of a run under secure aggregation: (1) the stages follow in the order of libs/secagg/SPEC.md, each closed over exactly
 * those who spoke in it, and the threshold is that of the planned cohort; (2) no stage closes below the floor, t agreements and
 * t openings are enough, and fewer end the attempt; (3) another attempt has no other hospitals and the same threshold, and none
 * follows once shares were asked for; (4) a word out of its stage, twice, of an outsider or for another plan changes nothing;
 * (5) the last round sums figures alone, and whatever happens to it the run is finished; (6) a replay gives the same, and a new
 * process asks for the open stage again. Oracle: the tables of privacy.md A.3 and A.8, by hand.
 */
import { describe, expect, it } from 'vitest';
import { digest, id, join, said as sayEffect, timer } from './samples.js';
import {
  SECURE_STAGES,
  type CoordinatorEvent,
  type CoordinatorState,
  type OpenedSum,
  type RunRules,
  type SecureStage,
} from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

const NAMES = ['a', 'b', 'c', 'd'];
/** n = 4, c = 1: t = 3, and one may drop out. */
const RULES: RunRules = {
  roster: NAMES.map(id),
  ...{ rounds: 1, minHospitals: 2, gatherTimeoutMs: 1_000, roundTimeoutMs: 2_000, absenceGraceMs: 300 },
  initialModel: digest('m0'),
  secagg: { tolerated: 1, stageTimeoutMs: 500 },
};

const signed = (round = 1, attempt = 1): CoordinatorEvent => ({
  ...{ type: 'plan-signed', round, attempt, planDigest: digest(`plan${round}.${attempt}`) },
});
const word = (stage: SecureStage, name: string, plan = 'plan1.1'): CoordinatorEvent => ({
  ...{ type: 'said', stage, hospitalId: id(name), planDigest: digest(plan) },
  word: {
    digest: digest(`${stage}-${name}`),
    ...(stage === 'masking' && { blob: { digest: digest(`y-${name}`), bytes: 60 } }),
  },
});
const words = (stage: SecureStage, names = NAMES, plan = 'plan1.1'): CoordinatorEvent[] =>
  names.map((name) => word(stage, name, plan));
const sum: OpenedSum = {
  ...{ sessionId: digest('s'), survivors: [1, 2, 3, 4], sumDigest: digest('sum'), recovered: [], vectors: [] },
  ...{ evidenceDigest: digest('e'), evidenceBytes: 1 },
  ...{ revealedDigest: digest('r'), revealedBytes: 1, leavesDigest: digest('l'), leavesBytes: 128 },
  ...{ totalWeight: 40, loss: 0.5, figures: null, score: null },
};
const opened = (plan = 'plan1.1', model = 'm1', of = sum): CoordinatorEvent => ({
  ...{ type: 'opened', planDigest: digest(plan), model: digest(model), sum: of },
});
const absent = (name: string): CoordinatorEvent[] => [
  { type: 'disconnected', hospitalId: id(name) },
  timer(`absence:${name}`),
];

function run(events: readonly CoordinatorEvent[], rules = RULES): { state: CoordinatorState; said: string[] } {
  let { state, effects } = startCoordinator(rules);
  for (const event of events) ({ state, effects } = stepCoordinator(rules, state, event));
  return { state, said: effects.map(sayEffect) };
}

const planned = [...join(...NAMES), signed()];
/** Up to the stage, with everybody. */
const upTo = (stage: SecureStage): CoordinatorEvent[] => [
  ...planned,
  ...SECURE_STAGES.slice(0, SECURE_STAGES.indexOf(stage)).flatMap((earlier) =>
    words(earlier, earlier === 'agreeing' ? ['a', 'b', 'c'] : NAMES),
  ),
];
const phase = (events: readonly CoordinatorEvent[], rules = RULES) => run(events, rules).state.phase;

describe('a secure round', () => {
  it('goes through its stages, and its threshold is that of the cohort', () => {
    expect(run(planned).state).toMatchObject({ phase: 'advertising', secure: { threshold: 3, floor: 3 } });
    for (const [i, stage] of SECURE_STAGES.entries()) {
      expect(phase(upTo(stage))).toBe(stage);
      if (i > 0)
        expect(run(upTo(stage)).said).toEqual([`close ${SECURE_STAGES[i - 1]}`, `timer stage:1:1:${stage} 500`]);
    }
    expect(run([...upTo('unmasking'), ...words('unmasking', ['b', 'c', 'd'])]).said).toEqual(['close unmasking']);
  });

  it.each([
    [3, 0, 2],
    [3, 1, 3],
    [5, 1, 4],
    [7, 2, 5],
  ])('of %i with %i tolerated needs %i', (n, tolerated, threshold) => {
    const names = 'abcdefg'.slice(0, n).split('');
    const rules = { ...RULES, roster: names.map(id), secagg: { tolerated, stageTimeoutMs: 500 } };
    expect(run([...join(...names), signed()], rules).state).toMatchObject({ secure: { threshold } });
  });

  it('never begins with two', () => {
    expect(
      phase([...join('a', 'b'), timer('gather:1')], { ...RULES, secagg: { tolerated: 0, stageTimeoutMs: 500 } }),
    ).toBe('gathering');
  });

  describe('of three, of which t = 2', () => {
    const rules = { ...RULES, secagg: { tolerated: 0, stageTimeoutMs: 500 } };
    const three = ['a', 'b', 'c'];
    const begun = [...join(...three), timer('gather:1'), signed()];
    const until = (stage: SecureStage): CoordinatorEvent[] => [
      ...begun,
      ...SECURE_STAGES.slice(0, SECURE_STAGES.indexOf(stage)).flatMap((earlier) =>
        words(earlier, earlier === 'agreeing' ? ['a', 'b'] : three),
      ),
    ];

    it.each(['advertising', 'sharing', 'masking'] as const)(
      'sums no two at %s: the next attempt waits for all three, and the run ends without them',
      (stage) => {
        const gone = [...until(stage), ...words(stage, ['a', 'b']), ...absent('c')];
        expect(run(gone, rules).state).toMatchObject({ phase: 'gathering', round: 1, retry: { attempt: 2 } });
        const back = [...gone, { type: 'connected', hospitalId: id('c') } as const];
        expect(run(back, rules).state).toMatchObject({ phase: 'planning', attempt: 2, cohort: three });
        expect(run([...gone, timer('gather:1'), timer('gather:1')], rules).state).toMatchObject({
          ...{ phase: 'ended', reason: 'TOO_FEW_HOSPITALS' },
        });
      },
    );

    it('two are enough to agree, and to open', () => {
      expect(phase(until('unmasking'), rules)).toBe('unmasking');
      expect(phase([...until('unmasking'), ...words('unmasking', ['a', 'c'])], rules)).toBe('opening');
    });
  });

  it('begins with no fewer than so many corrupt ones leave two others', () => {
    const rules = {
      ...RULES,
      roster: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(id),
      secagg: { tolerated: 2, stageTimeoutMs: 500 },
    };
    expect(phase([...join('a', 'b', 'c'), timer('gather:1')], rules)).toBe('gathering');
    expect(phase([...join(...NAMES), timer('gather:1')], rules)).toBe('planning');
  });

  it('closes each stage over those who spoke in the one before', () => {
    const shared = [...upTo('sharing'), ...words('sharing', ['a', 'b', 'c']), timer('stage:1:1:sharing')];
    expect(phase(shared)).toBe('masking');
    // d dealt nothing: its vector has no place, and a vector of the others is enough.
    expect(run([...shared, word('masking', 'd')]).state).toEqual(run(shared).state);
    expect(phase([...shared, ...words('masking', ['a', 'b', 'c'])])).toBe('agreeing');
  });

  it.each(['advertising', 'sharing', 'masking'] as const)('%s closes at the floor, and not below it', (stage) => {
    const key = stage === 'advertising' ? 'round:1:1' : `stage:1:1:${stage}`;
    const next = SECURE_STAGES[SECURE_STAGES.indexOf(stage) + 1];
    expect(phase([...upTo(stage), ...words(stage, ['a', 'b', 'c']), timer(key)])).toBe(next);
    expect(phase([...upTo(stage), ...words(stage, ['a', 'b']), timer(key)])).not.toBe(next);
    // Two of four have left: the floor cannot be reached any more, and nobody waits for the time to be over.
    expect(phase([...upTo(stage), ...absent('c'), ...absent('d')])).toBe('gathering');
  });

  it.each(['agreeing', 'unmasking'] as const)('%s needs t, and waits for no more', (stage) => {
    expect(phase([...upTo(stage), ...words(stage, ['a', 'b'])])).toBe(stage);
    expect(phase([...upTo(stage), ...words(stage, ['a', 'b', 'd'])])).not.toBe(stage);
  });

  it('takes an opening of whoever is in the sum, also of one who agreed too late', () => {
    expect(phase([...upTo('unmasking'), ...words('unmasking', ['d', 'b', 'c'])])).toBe('opening');
  });

  it('begins once more with the same hospitals and threshold while nothing was opened', () => {
    const failed = [...upTo('masking'), ...words('masking', ['a', 'b']), timer('stage:1:1:masking')];
    expect(run(failed).said).toEqual(['sign 1 from m0 with abcd']);
    const three = [
      ...upTo('masking'),
      ...absent('d'),
      ...words('masking', ['a']),
      timer('stage:1:1:masking'),
      signed(1, 2),
    ];
    // Three are enough for t = 3, which does not become smaller with them.
    expect(run(three).state).toMatchObject({ attempt: 2, cohort: ['a', 'b', 'c'], secure: { threshold: 3 } });
  });

  it('does not add a hospital to another attempt', () => {
    const first = [...join('a', 'b', 'c'), timer('gather:1'), signed(), ...join('d')];
    const again = [...first, timer('round:1:1'), signed(1, 2)];
    expect(run(again).state).toMatchObject({ attempt: 2, cohort: ['a', 'b', 'c'] });
  });

  it('gives up after three attempts', () => {
    const attempts = [1, 2, 3].flatMap((attempt) => [signed(1, attempt), timer(`round:1:${attempt}`)]);
    expect(run([...join(...NAMES), ...attempts]).state).toMatchObject({ phase: 'ended', reason: 'TOO_FEW_HOSPITALS' });
  });

  it('has no other attempt once shares were asked for', () => {
    const failed = [...upTo('unmasking'), ...words('unmasking', ['a', 'b']), timer('stage:1:1:unmasking')];
    expect(run(failed).state).toMatchObject({ phase: 'ended', outcome: 'aborted', reason: 'SUM_NOT_OPENED' });
  });

  it('ends the run when the sum is refused', () => {
    const spoilt: CoordinatorEvent = { type: 'spoilt', planDigest: digest('plan1.1'), accused: id('b') };
    const ended = { phase: 'ended', outcome: 'aborted', reason: 'SUM_REFUSED' };
    expect(run([...upTo('masking'), spoilt]).state).toMatchObject(ended);
    expect(run([...upTo('masking'), { ...spoilt, planDigest: digest('other') }]).state.phase).toBe('masking');
  });

  it.each([
    ['twice', word('sharing', 'a')],
    ['at an earlier stage', word('advertising', 'a')],
    ['at a later stage', word('masking', 'b')],
    ['of an outsider', word('sharing', 'z')],
    ['for another plan', word('sharing', 'b', 'plan1.2')],
  ])('hears no word %s', (_, event) => {
    const before = [...upTo('sharing'), word('sharing', 'a')];
    expect(run([...before, event])).toEqual({ state: run(before).state, said: [] });
  });

  it('hears nothing of a hospital that has declined, and does not wait for it', () => {
    const declined: CoordinatorEvent = { type: 'declined', hospitalId: id('d'), planDigest: digest('plan1.1') };
    const without = [...upTo('sharing'), declined, word('sharing', 'd')];
    expect(run(without).said).toEqual([]);
    expect(phase([...without, ...words('sharing', ['a', 'b', 'c'])])).toBe('masking');
  });

  it('is asked for again by a new process, at the stage where it is', () => {
    expect(run([...upTo('masking'), { type: 'restarted' }]).said).toEqual(
      expect.arrayContaining(['close sharing', 'timer stage:1:1:masking 500']),
    );
    expect(run([...upTo('unmasking'), ...words('unmasking', ['a', 'b', 'c']), { type: 'restarted' }]).said).toContain(
      'close unmasking',
    );
  });
});

describe('the end of a secure run', () => {
  const summed = [...upTo('unmasking'), ...words('unmasking', ['a', 'b', 'c']), opened()];
  const evaluating = [...summed, signed(2)];

  it('sums the figures of the last head once more', () => {
    expect(run(summed).said).toEqual(['sum 1 m1', 'sign 2 from m1 with abcd']);
    expect(run(evaluating).state).toMatchObject({ phase: 'advertising', secure: { lastly: 'ALL_ROUNDS_DONE' } });
  });

  it('scores the head that the round started from', () => {
    const all = (['advertising', 'sharing', 'masking', 'agreeing'] as const).flatMap((stage) =>
      words(stage, NAMES, 'plan2.1'),
    );
    const figures = { ...sum, score: { examples: 10, value: 0.75 } };
    const done = [
      ...evaluating,
      ...all,
      ...words('unmasking', ['a', 'b', 'c'], 'plan2.1'),
      opened('plan2.1', 'm1', figures),
    ];
    expect(run(done).state).toMatchObject({
      phase: 'ended',
      outcome: 'finished',
      reason: 'ALL_ROUNDS_DONE',
      rounds: 1,
      bestRound: 1,
    });
    expect(run(done).said).toEqual(['sum 2 m1', 'end finished ALL_ROUNDS_DONE 1']);
  });

  it.each([
    ['too few answer', [...evaluating, ...words('advertising', ['a'], 'plan2.1'), timer('round:2:1')]],
    ['its sum is refused', [...evaluating, { type: 'spoilt', planDigest: digest('plan2.1'), accused: null } as const]],
    [
      'nobody comes to it',
      [
        ...upTo('unmasking'),
        ...['c', 'd'].map((name): CoordinatorEvent => ({ type: 'disconnected', hospitalId: id(name) })),
        ...words('unmasking', ['a', 'b', 'c']),
        opened(),
        timer('gather:2'),
        timer('gather:2'),
      ],
    ],
  ] as [string, CoordinatorEvent[]][])('is a finished run also when %s', (_, events) => {
    expect(run(events).state).toMatchObject({
      phase: 'ended',
      outcome: 'finished',
      reason: 'ALL_ROUNDS_DONE',
      rounds: 1,
    });
  });

  it('follows from the log alone', () => {
    const replayed = JSON.parse(JSON.stringify(evaluating)) as CoordinatorEvent[];
    expect(run(replayed)).toEqual(run(evaluating));
  });
});
