/**
 * Claims: (1) a run goes gathering -> (planning -> collecting -> aggregating) x rounds -> closing -> ended, with exactly
 * the effects of each step; (2) who is late, away or never came delays a round by a bounded time and no more; (3) an event
 * without meaning in a phase changes nothing; (4) every way of ending says why and after how many rounds.
 * Oracle: the table of the README, written out here event by event.
 */
import type { ExcludedUpdate } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import {
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
  round2,
  said,
} from './samples.js';
import type { CoordinatorEvent } from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

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

  it('says whose update is in the new head and whose was left out, and ends where too few are left', () => {
    const { state } = run(round1);
    const exclusion = { hospitalId: 'b', blobDigest: digest('blob-b'), reason: 'FAR_FROM_OTHERS', measured: null };
    const exclusions = [exclusion as ExcludedUpdate];
    const event = { ...aggregated(1), exclusions } as CoordinatorEvent;
    const [publish] = stepCoordinator(RULES, state, event).effects;
    if (publish?.type !== 'publish-aggregate') throw new Error('nothing is published');
    expect(publish.updates.map(({ hospitalId }) => hospitalId)).toEqual(['a', 'c']);
    expect(publish.exclusions).toEqual(exclusions);
    const few = { type: 'too-few-left' as const, planDigest: digest('plan1'), exclusions };
    expect(run([...round1, few]).said).toEqual(['end aborted TOO_FEW_HOSPITALS 0']);
    // Of another plan, and in another phase.
    expect(run([...round1, { ...few, planDigest: digest('plan2') }]).said).toEqual([]);
    expect(run([...collecting, few]).said).toEqual([]);
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

  it('ends at once when all have been away for the grace period, and waits for those who have not', () => {
    const left = [...round2, ...['a', 'b', 'c'].map((name) => on('disconnected', name))];
    expect(run([...left, aggregated(2)]).said).toEqual(['result 2 m2', 'timer closing 2000']);
    const gone = ['a', 'b', 'c'].map((name) => timer(`absence:${name}`));
    expect(run([...left, ...gone, aggregated(2)]).said).toEqual(['result 2 m2', 'end finished ALL_ROUNDS_DONE 2']);
  });

  it('waits after a restart for the hospitals that are on their way back', () => {
    const again = [...round2, { type: 'restarted' } as const, aggregated(2), on('connected', 'a')];
    expect(run([...again, evaluated('a', 'm2')]).state).toMatchObject({ phase: 'closing' });
    const gone = ['b', 'c'].map((name) => timer(`absence:${name}`));
    expect(run([...again, evaluated('a', 'm2'), ...gone]).state).toMatchObject({ phase: 'ended', bestRound: 2 });
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
