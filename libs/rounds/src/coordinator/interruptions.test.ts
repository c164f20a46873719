/**
 * Claims: (1) a new process asks again for all that the old one was doing; (2) a pause finishes the open round and begins no
 * other; (3) who declines is not waited for; (4) a quorum closes a round early, and the minimum still holds; (5) a run stops
 * when its score no longer improves. Oracle: the rules of the README, written out here event by event.
 */
import { limits } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import {
  id,
  digest,
  RULES,
  on,
  timer,
  planSigned,
  update,
  aggregated,
  evaluated,
  run,
  join,
  allIn,
  collecting,
  round1,
  closing,
} from './samples.js';
import type { CoordinatorEvent, RunRules } from './state.js';
import { stepCoordinator } from './step.js';

describe('a new process', () => {
  const restarted: CoordinatorEvent = { type: 'restarted' };

  it.each([
    ['gathering', join('a'), ['timer absence:a 25000', 'timer gather:1 1000']],
    [
      'planning',
      allIn,
      ['timer absence:a 25000', 'timer absence:b 25000', 'timer absence:c 25000', 'sign 1 from m0 with abc'],
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

  it('waits for the longest pause of a hospital, or for the grace period where that is longer', () => {
    const events = [...allIn, restarted];
    for (const [graceMs, waitsMs] of [
      [300, limits.reconnectPauseMs + limits.handshakeMs],
      [40_000, 40_000],
    ] as const) {
      const { said } = run(events, { ...RULES, absenceGraceMs: graceMs });
      expect(said).toContain(`timer absence:a ${waitsMs}`);
    }
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
    expect(run(away).said.filter((line) => line.startsWith('timer absence:c'))).toEqual([]);
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
