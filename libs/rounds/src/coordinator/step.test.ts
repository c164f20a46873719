/**
 * Claims: (1) a run goes gathering -> (planning -> collecting -> aggregating) x rounds -> closing -> ended, with exactly
 * the effects of each step; (2) who is late, away or never came delays a round by a bounded time and no more; (3) an event
 * without meaning in a phase changes nothing; (4) every way of ending says why and after how many rounds; (5) a new process
 * asks again for all that the old one was doing; (6) a pause finishes the open round and begins no other; (7) who declines is
 * not waited for; (8) a quorum closes a round early, the minimum still holds; (9) a run stops when its score no longer improves.
 * Oracle: the table of the README, written out here event by event.
 */
import { describe, expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState, RunRules } from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

const id = (name: string): HospitalId => name as HospitalId;
const digest = (name: string): Digest => name as Digest;

const RULES: RunRules = {
  roster: [id('a'), id('b'), id('c')],
  rounds: 2,
  minHospitals: 2,
  gatherTimeoutMs: 1_000,
  roundTimeoutMs: 2_000,
  absenceGraceMs: 300,
  initialModel: digest('m0'),
};

const on = (type: 'connected' | 'disconnected' | 'consented', name: string): CoordinatorEvent => ({
  type,
  hospitalId: id(name),
});
const timer = (key: string): CoordinatorEvent => ({ type: 'timer', key });
const planSigned = (round: number): CoordinatorEvent => ({
  type: 'plan-signed',
  ...{ round, attempt: 1, planDigest: digest(`plan${round}`) },
});
const update = (round: number, name: string, examples = 10): CoordinatorEvent => ({
  type: 'update-accepted',
  planDigest: digest(`plan${round}`),
  update: { hospitalId: id(name), blobDigest: digest(`blob-${name}`), blobBytes: 60, examples, loss: 0.5 },
});
const aggregated = (round: number): CoordinatorEvent => ({
  type: 'aggregated',
  ...{ planDigest: digest(`plan${round}`), model: digest(`m${round}`), totalExamples: 20 },
});
const evaluated = (name: string, model: string, value = 0.5): CoordinatorEvent => ({
  type: 'evaluated',
  ...{ hospitalId: id(name), model: digest(model), score: { examples: 10, value } },
});

/** Runs events from the start; the effects are those of the last one. */
function run(events: readonly CoordinatorEvent[], rules = RULES): { state: CoordinatorState; said: string[] } {
  let { state, effects } = startCoordinator(rules);
  for (const event of events) ({ state, effects } = stepCoordinator(rules, state, event));
  return { state, said: effects.map(said) };
}

/** An effect in a few words. */
function said(effect: CoordinatorEffect): string {
  switch (effect.type) {
    case 'set-timer':
      return `timer ${effect.key} ${effect.delayMs}`;
    case 'sign-plan':
      return `sign ${effect.round} from ${effect.model} with ${effect.cohort.join('')}`;
    case 'publish-plan':
      return `publish ${effect.planDigest}`;
    case 'aggregate':
      return `aggregate ${effect.round} of ${effect.updates.map(({ hospitalId }) => hospitalId).join('')}`;
    case 'publish-aggregate':
      return `result ${effect.round} ${effect.newModel}`;
    case 'end-run':
      return `end ${effect.outcome} ${effect.reason} ${effect.rounds}`;
  }
}

const join = (...names: string[]): CoordinatorEvent[] =>
  names.flatMap((name) => [on('connected', name), on('consented', name)]);
const allIn = join('a', 'b', 'c');
const collecting = [...allIn, planSigned(1)];
const round1 = [...collecting, update(1, 'c'), update(1, 'a'), update(1, 'b')];
const round2 = [...round1, aggregated(1), planSigned(2), update(2, 'a'), update(2, 'b'), update(2, 'c')];
const closing = [...round2, aggregated(2)];

describe('a run in which all goes well', () => {
  it('waits for consent of all, and starts when the last has given it', () => {
    expect(startCoordinator(RULES).effects.map(said)).toEqual(['timer gather:1 1000']);
    expect(run(allIn.slice(0, -1))).toMatchObject({ state: { phase: 'gathering' }, said: [] });
    expect(run(allIn)).toMatchObject({ state: { phase: 'planning' }, said: ['sign 1 from m0 with abc'] });
  });

  it('collects until the last update, and sums in hospital order whatever the order of arrival', () => {
    expect(run(collecting).said).toEqual(['publish plan1', 'timer round:1:1 2000']);
    expect(run(round1.slice(0, -1)).said).toEqual([]);
    expect(run(round1)).toMatchObject({ state: { phase: 'aggregating' }, said: ['aggregate 1 of abc'] });
  });

  it('starts the next round from the new model at once, and sets no timer for the phase that it skips', () => {
    expect(run([...round1, aggregated(1)]).said).toEqual(['result 1 m1', 'sign 2 from m1 with abc']);
  });

  it('waits for the evaluations of the last round, then ends', () => {
    expect(run(closing)).toMatchObject({ state: { phase: 'closing' }, said: ['result 2 m2', 'timer closing 2000'] });
    const ofAnother = ['a', 'b', 'c'].map((name) => evaluated(name, 'm1'));
    expect(run([...closing, ...ofAnother]).state.phase).toBe('closing');
    const events = [...closing, evaluated('c', 'm2'), evaluated('a', 'm2'), evaluated('b', 'm2')];
    expect(run(events)).toMatchObject({
      state: { phase: 'ended', outcome: 'finished', reason: 'ALL_ROUNDS_DONE', rounds: 2 },
      said: ['end finished ALL_ROUNDS_DONE 2'],
    });
  });
});

describe('gathering', () => {
  it('starts without those who never came, when the time is over', () => {
    expect(run([...join('a', 'c'), timer('gather:1')]).said).toEqual(['sign 1 from m0 with ac']);
  });

  it('does not wait for one that was here and has been away for the grace period', () => {
    const left = [...join('a', 'b', 'c').slice(0, -1), on('disconnected', 'c')];
    expect(run(left).said).toEqual(['timer absence:c 300']);
    expect(run([...left, timer('absence:c')]).said).toEqual(['sign 1 from m0 with ab']);
  });

  it('waits a second period below the minimum, starts as soon as it is reached, or ends', () => {
    const late = [...join('a'), timer('gather:1')];
    expect(run(late)).toMatchObject({ state: { phase: 'gathering', overdue: true }, said: ['timer gather:1 1000'] });
    expect(run([...late, ...join('c')]).said).toEqual(['sign 1 from m0 with ac']);
    expect(run([...late, timer('gather:1')]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
  });

  it('counts nobody who is connected without consent, or has consented and gone', () => {
    const events = [on('connected', 'a'), on('connected', 'b'), on('consented', 'b'), on('consented', 'c')];
    expect(run([...events, timer('gather:1')]).state.phase).toBe('gathering');
  });

  it('takes nobody who is not on the roster', () => {
    const { state } = run(join('a', 'x', 'y'));
    expect(state).toMatchObject({ phase: 'gathering', connected: new Set(['a']), consented: new Set(['a']) });
    expect(run([...join('x', 'y', 'z'), timer('gather:1'), timer('gather:1')]).said).toEqual([
      'end aborted TOO_FEW_HOSPITALS 0',
    ]);
  });

  it('lets a late joiner in with the next round, not in the middle of one', () => {
    const two = [...join('a', 'b'), timer('gather:1'), planSigned(1)];
    const late = [...two, ...join('c'), update(1, 'c')];
    expect(run(late).state).toMatchObject({ phase: 'collecting', received: new Map() });
    expect(run([...late, update(1, 'a'), update(1, 'b'), aggregated(1)]).said[1]).toBe('sign 2 from m1 with abc');
  });
});

describe('collecting', () => {
  it('closes without the late when the time is over, if there are enough', () => {
    expect(run([...collecting, update(1, 'b'), update(1, 'a'), timer('round:1:1')]).said).toEqual([
      'aggregate 1 of ab',
    ]);
    expect(run([...collecting, update(1, 'b'), timer('round:1:1')]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
  });

  it('goes on without one that is away for the grace period, and not before', () => {
    const gone = [...collecting, update(1, 'a'), on('disconnected', 'c'), update(1, 'b')];
    expect(run(gone).state.phase).toBe('collecting');
    expect(run([...gone, timer('absence:c')]).said).toEqual(['aggregate 1 of ab']);
  });

  it('waits for one that came back before the grace period was over', () => {
    const back = [...collecting, update(1, 'a'), update(1, 'b'), on('disconnected', 'c'), on('connected', 'c')];
    expect(run([...back, timer('absence:c')]).state.phase).toBe('collecting');
    expect(run([...back, timer('absence:c'), update(1, 'c')]).said).toEqual(['aggregate 1 of abc']);
  });

  it('waits again for one that came back after the grace period, while others are still awaited', () => {
    const away = [...collecting, update(1, 'a'), on('disconnected', 'c'), timer('absence:c')];
    expect(run([...away, on('connected', 'c'), update(1, 'b')]).state.phase).toBe('collecting');
    expect(run([...away, on('connected', 'c'), update(1, 'b'), update(1, 'c')]).said).toEqual(['aggregate 1 of abc']);
  });

  it('never closes below the minimum because others are away: they may come back until the time is over', () => {
    const alone = [...collecting, update(1, 'a'), on('disconnected', 'b'), on('disconnected', 'c')];
    const away = [...alone, timer('absence:b'), timer('absence:c')];
    expect(run(away).state.phase).toBe('collecting');
    expect(run([...away, on('connected', 'b'), update(1, 'b')]).said).toEqual(['aggregate 1 of ab']);
    expect(run([...away, timer('round:1:1')]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
  });

  it('takes the first update of a hospital and no second, and none for another plan', () => {
    const { state } = run([...collecting, update(1, 'a', 10), update(1, 'a', 99), update(2, 'b'), update(1, 'x')]);
    expect(state).toMatchObject({ phase: 'collecting' });
    if (state.phase !== 'collecting') return;
    expect([...state.received.values()].map(({ hospitalId, examples }) => [hospitalId, examples])).toEqual([['a', 10]]);
  });
});

describe('closing', () => {
  it('does not wait for hospitals that are away, nor longer than a round', () => {
    const left = [...closing, evaluated('a', 'm2'), evaluated('b', 'm2'), on('disconnected', 'c')];
    expect(run(left).state.phase).toBe('closing');
    expect(run([...left, timer('absence:c')]).said).toEqual(['end finished ALL_ROUNDS_DONE 2']);
    expect(run([...closing, timer('closing')]).said).toEqual(['end finished ALL_ROUNDS_DONE 2']);
  });

  it('ends at once when nobody is there any more', () => {
    const alone = [...round2, ...['a', 'b', 'c'].map((name) => on('disconnected', name)), aggregated(2)];
    expect(run(alone).said).toEqual(['result 2 m2', 'end finished ALL_ROUNDS_DONE 2']);
  });
});

describe('a new process', () => {
  const restarted: CoordinatorEvent = { type: 'restarted' };

  it.each([
    ['gathering', join('a'), ['timer absence:a 300', 'timer gather:1 1000']],
    [
      'planning',
      allIn,
      ['timer absence:a 300', 'timer absence:b 300', 'timer absence:c 300', 'sign 1 from m0 with abc'],
    ],
    ['collecting', [...collecting, update(1, 'a')], ['publish plan1', 'timer round:1:1 2000']],
    ['aggregating', round1, ['aggregate 1 of abc']],
    ['closing', closing, ['timer closing 2000']],
  ] as const)('asks again for what was under way in %s', (phase, events, said) => {
    const after = run([...events, restarted]);
    expect(after.state).toMatchObject({ phase, connected: new Set() });
    expect(after.said).toEqual(expect.arrayContaining([...said]));
    expect(after.said.filter((line) => !line.startsWith('timer absence'))).toEqual(
      said.filter((line) => !line.startsWith('timer absence')),
    );
  });

  it('keeps the updates that were accepted, and closes the round with the next', () => {
    const events = [...collecting, update(1, 'a'), update(1, 'b'), restarted, on('connected', 'c'), update(1, 'c')];
    expect(run(events).said).toEqual(['aggregate 1 of abc']);
  });

  it('counts everyone who took part as away after the grace period, unless they come back', () => {
    const events = [...collecting, update(1, 'a'), update(1, 'b'), restarted, on('connected', 'a')];
    expect(run(events).state.phase).toBe('collecting');
    expect(run([...events, timer('absence:a'), timer('absence:b')]).state.phase).toBe('collecting');
    expect(run([...events, timer('absence:c')]).said).toEqual(['aggregate 1 of ab']);
  });

  it('does not wait again for one who was away already', () => {
    const away = [...collecting, on('disconnected', 'c'), timer('absence:c'), restarted];
    expect(run(away).said).not.toContain('timer absence:c 300');
    expect(run([...away, update(1, 'a'), update(1, 'b')]).said).toEqual(['aggregate 1 of ab']);
  });

  it('asks for nothing once the run has ended', () => {
    expect(run([...closing, timer('closing'), restarted]).said).toEqual([]);
  });
});

describe('a pause', () => {
  const pause: CoordinatorEvent = { type: 'pause' };
  const resume: CoordinatorEvent = { type: 'resume' };

  it('lets the open round end and begins no other, however long it lasts', () => {
    const paused = [...collecting, pause, update(1, 'a'), update(1, 'b'), update(1, 'c'), aggregated(1)];
    expect(run(paused)).toMatchObject({
      state: { phase: 'gathering', round: 2, paused: true },
      said: ['result 1 m1', 'timer gather:2 1000'],
    });
    expect(run([...paused, timer('gather:2'), timer('gather:2')])).toMatchObject({
      state: { phase: 'gathering', overdue: false },
      said: [],
    });
    expect(run([...paused, timer('gather:2'), resume]).said).toEqual(['sign 2 from m1 with abc']);
  });

  it('gives those who are missing a whole period again', () => {
    const late = [...join('a'), timer('gather:1'), pause, timer('gather:1'), resume];
    expect(run(late)).toMatchObject({ state: { overdue: false, paused: false }, said: ['timer gather:1 1000'] });
    expect(run([...late, timer('gather:1')]).state.phase).toBe('gathering');
    expect(run([...late, timer('gather:1'), timer('gather:1')]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
  });

  it('once more, or the end of one that there is not, changes nothing', () => {
    const { state } = run([...collecting, pause]);
    expect(stepCoordinator(RULES, state, pause)).toEqual({ state, effects: [] });
    const { state: running } = run(collecting);
    expect(stepCoordinator(RULES, running, resume)).toEqual({ state: running, effects: [] });
  });
});

describe('a hospital that declines', () => {
  const declines = (name: string, round = 1): CoordinatorEvent => ({
    type: 'declined',
    ...{ hospitalId: id(name), planDigest: digest(`plan${round}`) },
  });

  it('is not waited for, and its update does not count any more', () => {
    expect(run([...collecting, update(1, 'a'), update(1, 'b'), declines('c')]).said).toEqual(['aggregate 1 of ab']);
    const { state } = run([...collecting, declines('c'), update(1, 'c')]);
    expect(state).toMatchObject({ received: new Map(), declined: new Set(['c']) });
  });

  it('too late, twice, for another plan, or without being asked, changes nothing', () => {
    for (const events of [
      [...collecting, update(1, 'a'), declines('a')],
      [...collecting, declines('a'), declines('a')],
      [...collecting, declines('a', 2)],
      [...collecting, declines('x')],
      [...allIn, declines('a')],
    ]) {
      const before = run(events.slice(0, -1)).state;
      expect(stepCoordinator(RULES, before, events.at(-1) as CoordinatorEvent)).toEqual({ state: before, effects: [] });
    }
  });

  it('leaves too few: the others have the rest of the time, then the run ends', () => {
    const alone = [...collecting, declines('a'), declines('b'), update(1, 'c')];
    expect(run(alone).state.phase).toBe('collecting');
    expect(run([...alone, timer('round:1:1')]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
  });
});

describe('a quorum', () => {
  const rules: RunRules = { ...RULES, quorum: { hospitals: 2, afterMs: 700 } };

  it('closes the round when its time has come and so many are there, in either order', () => {
    expect(run(collecting, rules).said).toEqual(['publish plan1', 'timer round:1:1 2000', 'timer quorum:1:1 700']);
    const two = [...collecting, update(1, 'c'), update(1, 'a')];
    expect(run(two, rules).state.phase).toBe('collecting');
    expect(run([...two, timer('quorum:1:1')], rules).said).toEqual(['aggregate 1 of ac']);
    expect(run([...collecting, timer('quorum:1:1'), update(1, 'c'), update(1, 'a')], rules).said).toEqual([
      'aggregate 1 of ac',
    ]);
  });

  it('never goes below the minimum', () => {
    const small: RunRules = { ...RULES, quorum: { hospitals: 1, afterMs: 700 } };
    expect(run([...collecting, timer('quorum:1:1'), update(1, 'c')], small).state.phase).toBe('collecting');
    expect(run([...collecting, timer('quorum:1:1'), update(1, 'c'), update(1, 'b')], small).said).toEqual([
      'aggregate 1 of bc',
    ]);
  });

  it('that came before a crash is not waited for again', () => {
    const due = run([...collecting, timer('quorum:1:1'), { type: 'restarted' }], rules).said;
    expect(due).not.toContain('timer quorum:1:1 700');
    expect(run([...collecting, { type: 'restarted' }], rules).said).toContain('timer quorum:1:1 700');
  });

  it('of another round means nothing, and nothing without one', () => {
    expect(run([...collecting, timer('quorum:2:1'), update(1, 'c'), update(1, 'b')], rules).state.phase).toBe(
      'collecting',
    );
    expect(run([...collecting, timer('quorum:1:1'), update(1, 'c'), update(1, 'b')]).state.phase).toBe('collecting');
  });
});

describe('evaluations', () => {
  const long: RunRules = { ...RULES, rounds: 9, patienceRounds: 1 };
  const whole = (round: number, value: number): CoordinatorEvent[] => [
    planSigned(round),
    ...['a', 'b', 'c'].map((name) => update(round, name)),
    aggregated(round),
    evaluated('a', `m${round}`, value),
  ];

  it('stop the run when no round after the best one was better, and name the best', () => {
    const events = [...allIn, ...whole(1, 0.8), ...whole(2, 0.7), ...whole(3, 0.6)];
    // What is said of round 3 is still heard, but it does not change that the run is over.
    expect(run(events.slice(0, -1), long)).toMatchObject({
      state: { phase: 'closing', reason: 'EARLY_STOPPED' },
      said: ['result 3 m3', 'timer closing 2000'],
    });
    expect(run([...events, timer('closing')], long).state).toMatchObject({
      phase: 'ended',
      ...{ outcome: 'finished', reason: 'EARLY_STOPPED', rounds: 3, bestRound: 1 },
    });
  });

  it('let it go on while they rise, or without patience', () => {
    const rising = [...allIn, ...whole(1, 0.6), ...whole(2, 0.7), ...whole(3, 0.8)];
    expect(run(rising, long).state).toMatchObject({ phase: 'planning', round: 4 });
    const falling = [...allIn, ...whole(1, 0.8), ...whole(2, 0.7), ...whole(3, 0.6)];
    expect(run(falling, { ...RULES, rounds: 9 }).state).toMatchObject({ phase: 'planning', round: 4 });
  });

  it('are counted once for a hospital, for the newest head, with a score', () => {
    const after = [...round1, aggregated(1)];
    const scores = (events: readonly CoordinatorEvent[]) => run([...after, ...events]).state.scores;
    expect(
      scores([evaluated('a', 'm1', 0.5), evaluated('a', 'm1', 0.9)])
        .get(1)
        ?.get(id('a'))?.value,
    ).toBe(0.5);
    expect(scores([evaluated('a', 'm0', 0.5)]).size).toBe(0);
    expect(scores([{ type: 'evaluated', hospitalId: id('a'), model: digest('m1'), score: null }]).size).toBe(0);
  });
});

describe('stop', () => {
  it.each([
    ['gathering', [], 0],
    ['planning', allIn, 0],
    ['collecting', collecting, 0],
    ['aggregating', round1, 0],
    ['the second round', [...round1, aggregated(1), planSigned(2)], 1],
    ['closing', closing, 2],
  ] as const)('ends a run in %s', (_phase, events, rounds) => {
    expect(run([...events, { type: 'stop' }]).said).toEqual([`end aborted STOPPED ${rounds}`]);
  });
});

describe('an event without meaning', () => {
  it('of the right kind for the phase, but for another round, attempt or plan', () => {
    const other = { type: 'plan-signed', round: 1, attempt: 2, planDigest: digest('plan1b') } as const;
    expect(run([...allIn, planSigned(2), other])).toMatchObject({ state: { phase: 'planning' }, said: [] });
    expect(run([...round1, aggregated(2)])).toMatchObject({ state: { phase: 'aggregating' }, said: [] });
  });

  const phases = { gathering: join('a'), planning: allIn, collecting, aggregating: round1, closing };
  const meaning: Record<string, readonly (keyof typeof phases)[]> = {
    'plan-signed': ['planning'],
    'update-accepted': ['collecting'],
    aggregated: ['aggregating'],
    evaluated: ['closing'],
  };
  const strays: CoordinatorEvent[] = [
    ...[planSigned(1), planSigned(2), update(1, 'a'), update(2, 'a'), aggregated(1), aggregated(2)],
    ...[evaluated('a', 'm0'), evaluated('a', 'm9'), timer('gather:9'), timer('round:9:1'), timer('round:1:9')],
    ...[timer('closed'), timer(''), timer('absence:'), timer('absence:x'), timer('absence:a')],
    ...[
      on('connected', 'x'),
      on('consented', 'x'),
      on('disconnected', 'x'),
      on('connected', 'a'),
      on('consented', 'a'),
    ],
  ];

  it.each(Object.entries(phases))('changes nothing in %s', (phase, events) => {
    const before = run(events).state;
    for (const event of strays) {
      if (meaning[event.type]?.includes(phase as keyof typeof phases)) continue;
      const { state, effects } = stepCoordinator(RULES, before, event);
      expect(state).toEqual(before);
      expect(effects).toEqual([]);
    }
  });

  it('changes nothing at all once the run has ended', () => {
    const before = run([...closing, timer('closing')]).state;
    for (const event of [...strays, { type: 'stop' } as const, on('disconnected', 'a')]) {
      const step = stepCoordinator(RULES, before, event);
      expect(step.state).toBe(before);
      expect(step.effects).toEqual([]);
    }
  });
});
