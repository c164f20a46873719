/**
 * Claims: (1) a hospital goes joining -> ready -> (training -> sending -> waiting -> evaluating) x rounds -> ended, with
 * exactly the effects of each step; (2) it trains once per plan, and answers no plan at or before the last answered;
 * (3) it starts from no model that was not announced, follows no statement of another run or configuration, and leaves
 * when its configuration changes; (4) a refusal or the end is final; (5) a process that knows what an earlier one wrote down
 * sends the same update again or declines, and never trains a second time; (6) the end of a run does not overtake its last head.
 * Oracle: the table of the README, written out here event by event.
 */
import { describe, expect, it } from 'vitest';
import type { Aggregate, Digest, HospitalId, Plan, RunConfig, RunEnd, RunId } from '@consilium/protocol';
import type { HospitalEffect, HospitalEvent, HospitalState } from './state.js';
import { memoryOf, startHospital, stepHospital } from './step.js';

const own = 'a' as HospitalId;
const digest = (name: string): Digest => name as Digest;

/** Only what the machine reads of a statement; the schemas of libs/protocol see to the rest. */
const config = (name = 'config', refusal?: 'BACKBONE_MISMATCH'): HospitalEvent => ({
  type: 'config',
  config: { runId: 'run' as RunId, initialModel: digest('m0') } as RunConfig,
  ...{ digest: digest(name), refusal },
});
function plan(round: number, changes: Partial<Plan> = {}, name = `plan${round}`): HospitalEvent {
  const body = { round, attempt: 1, configDigest: digest('config'), model: digest(`m${round - 1}`), cohort: [own] };
  return { type: 'plan', plan: { ...body, ...changes } as Plan, digest: digest(name) };
}
const trained = (name: string): HospitalEvent => ({ type: 'trained', planDigest: digest(name) });
const acknowledged = (name: string): HospitalEvent => ({ type: 'update-acknowledged', planDigest: digest(name) });
const refused = (name: string, roundIsOver: boolean): HospitalEvent => ({
  type: 'update-refused',
  ...{ planDigest: digest(name), roundIsOver },
});
const aggregate = (round: number, changes: Partial<Aggregate> = {}): HospitalEvent => ({
  type: 'aggregate',
  aggregate: { runId: 'run' as RunId, round, model: digest(`m${round}`), ...changes } as Aggregate,
});
const evaluated = (model: string): HospitalEvent => ({ type: 'evaluated', model: digest(model) });
const runEnd = (configDigest = 'config'): HospitalEvent => ({
  type: 'run-end',
  end: { configDigest: digest(configDigest), outcome: 'finished', reason: 'ALL_ROUNDS_DONE' } as RunEnd,
});

function run(events: readonly HospitalEvent[]): { state: HospitalState; said: string[] } {
  let state = startHospital();
  let effects: readonly HospitalEffect[] = [];
  for (const event of events) ({ state, effects } = stepHospital(own, state, event));
  return { state, said: effects.map(said) };
}

function said(effect: HospitalEffect): string {
  switch (effect.type) {
    case 'send-consent':
      return `consent ${effect.configDigest}`;
    case 'train':
      return `train ${effect.accepted.digest}`;
    case 'send-update':
      return `send ${effect.accepted.digest}`;
    case 'evaluate':
      return `evaluate ${effect.aggregate.model}`;
    case 'send-decline':
      return `decline ${effect.accepted.digest}`;
    case 'advertise':
      return `advertise ${effect.accepted.digest}`;
    case 'stop':
      return 'stop';
  }
}

const ready = [config()];
const training = [...ready, plan(1)];
const sending = [...training, trained('plan1')];
const waiting = [...sending, acknowledged('plan1')];
const evaluating = [...waiting, aggregate(1)];

describe('a plan that the hospital has its own reasons to decline', () => {
  const declined = (round: number, attempt = 1, name = `declined${round}`): HospitalEvent => {
    const event = plan(round, { attempt }, name);
    return event.type === 'plan' ? { ...event, isDeclined: true } : event;
  };

  it('is declined, and counts as answered', () => {
    expect(run([...ready, declined(1)])).toMatchObject({
      state: { phase: 'ready', answered: { round: 1, attempt: 1 } },
      said: ['decline declined1'],
    });
  });

  it('is never trained on, also when it comes again without a reason', () => {
    expect(run([...ready, declined(1), plan(1, {}, 'declined1')])).toMatchObject({
      state: { phase: 'ready' },
      said: ['decline declined1'],
    });
  });

  it('leaves the next attempt open', () => {
    expect(run([...ready, declined(1), plan(1, { attempt: 2 }, 'again')]).said).toEqual(['train again']);
  });

  it('does not disturb an evaluation', () => {
    expect(run([...evaluating, declined(2)])).toMatchObject({
      state: { phase: 'evaluating', next: undefined, answered: { round: 2, attempt: 1 } },
      said: ['decline declined2'],
    });
  });

  it('from a model that nobody announced is a refusal all the same', () => {
    const event = plan(1, { model: digest('other') });
    expect(run([...ready, { ...event, isDeclined: true } as HospitalEvent]).state.phase).toBe('refusing');
  });
});

describe('a run in which all goes well', () => {
  it('does one thing after the other, and begins the second round from the first one’s model', () => {
    expect(run(ready)).toMatchObject({ state: { phase: 'ready' }, said: ['consent config'] });
    expect(run(training)).toMatchObject({ state: { phase: 'training' }, said: ['train plan1'] });
    expect(run(sending)).toMatchObject({ state: { phase: 'sending' }, said: ['send plan1'] });
    expect(run(waiting)).toMatchObject({ state: { phase: 'waiting' }, said: [] });
    expect(run(evaluating)).toMatchObject({ state: { phase: 'evaluating' }, said: ['evaluate m1'] });
    expect(run([...evaluating, evaluated('m1')])).toMatchObject({
      state: { phase: 'ready', completedRound: 1 },
      said: [],
    });
    expect(run([...evaluating, evaluated('m1'), plan(2)]).said).toEqual(['train plan2']);
    expect(run([...evaluating, evaluated('m1'), runEnd()])).toMatchObject({
      state: { phase: 'ended', outcome: 'finished' },
      said: ['stop'],
    });
  });

  it('keeps a plan that comes during the evaluation for afterwards', () => {
    expect(run([...evaluating, evaluated('m0')])).toMatchObject({ state: { phase: 'evaluating' }, said: [] });
    expect(run([...evaluating, plan(2)])).toMatchObject({ state: { phase: 'evaluating' }, said: [] });
    expect(run([...evaluating, plan(2), evaluated('m1')])).toMatchObject({
      state: { phase: 'training', answered: { round: 2, attempt: 1 } },
      said: ['train plan2'],
    });
  });

  it('lets a late joiner begin with the newest aggregate', () => {
    expect(run([config(), aggregate(4), plan(5), evaluated('m4')]).said).toEqual(['train plan5']);
  });
});

describe('once per plan', () => {
  it.each([
    ['training', training],
    ['sending', sending],
    ['waiting', waiting],
  ])('the same plan again changes nothing in %s', (_phase, events) => {
    const { state } = run(events);
    expect(stepHospital(own, state, plan(1))).toEqual({ state, effects: [] });
    // Another plan for the same round and attempt, say with another round key, would train and send twice.
    expect(stepHospital(own, state, plan(1, {}, 'other'))).toEqual({ state, effects: [] });
  });

  it('a further attempt of the round is another plan; an earlier one never is', () => {
    const second = [...training, plan(1, { attempt: 2 }, 'plan1b')];
    expect(run(second).said).toEqual(['train plan1b']);
    expect(run([...second, plan(1)]).said).toEqual([]);
    expect(run([...second, trained('plan1')]).said).toEqual([]);
    expect(run([...second, trained('plan1b')]).said).toEqual(['send plan1b']);
  });

  it('a plan of a completed round is not answered, even if none was before', () => {
    expect(run([config(), aggregate(1), evaluated('m1'), plan(1)]).said).toEqual([]);
    expect(run([config(), aggregate(3), evaluated('m3'), plan(2), plan(3)]).said).toEqual([]);
  });

  it('of two plans during an evaluation the newer one stays, in whatever order they came', () => {
    const newer = plan(2, { attempt: 2 }, 'plan2b');
    for (const plans of [
      [plan(2), newer],
      [newer, plan(2)],
      [newer, plan(2), newer],
    ]) {
      expect(run([...evaluating, ...plans, evaluated('m1')]).said).toEqual(['train plan2b']);
    }
  });

  it('an aggregate ends the round, however far this hospital is', () => {
    for (const events of [ready, training, sending, waiting]) {
      expect(run([...events, aggregate(1)])).toMatchObject({ state: { phase: 'evaluating' }, said: ['evaluate m1'] });
    }
    expect(run([...training, aggregate(1), trained('plan1')])).toMatchObject({
      state: { phase: 'evaluating' },
      said: [],
    });
    expect(run([...evaluating, plan(2), aggregate(2), evaluated('m2')])).toMatchObject({
      state: { phase: 'ready' },
      said: [],
    });
  });

  it('an aggregate that is repeated or older changes nothing', () => {
    const { state } = run([...evaluating, evaluated('m1')]);
    expect(stepHospital(own, state, aggregate(1)).state).toBe(state);
    expect(stepHospital(own, state, aggregate(0)).state).toBe(state);
  });
});

describe('after a crash', () => {
  /** What the next process says, knowing what this one had written down. */
  const resumed = (before: readonly HospitalEvent[], after: readonly HospitalEvent[]): string[] => {
    const memory = memoryOf(run(before).state);
    // As it comes from the disk.
    let state = startHospital(memory === undefined ? undefined : (JSON.parse(JSON.stringify(memory)) as typeof memory));
    const all: string[] = [];
    for (const event of after) {
      const step = stepHospital(own, state, event);
      state = step.state;
      all.push(...step.effects.map(said));
    }
    return all;
  };

  it('consents again and sends the update that was not acknowledged, without training', () => {
    expect(resumed(sending, [config(), plan(1)])).toEqual(['consent config', 'send plan1']);
    expect(resumed(sending, [config(), plan(1), acknowledged('plan1'), plan(1), aggregate(1)])).toEqual([
      ...['consent config', 'send plan1', 'evaluate m1'],
    ]);
  });

  it('declines the plan whose update was lost, each time that it comes, and trains on the next', () => {
    expect(resumed(training, [config(), plan(1), plan(1)])).toEqual([
      ...['consent config', 'decline plan1', 'decline plan1'],
    ]);
    expect(resumed(training, [config(), plan(1), aggregate(1), evaluated('m1'), plan(2)])).toEqual([
      ...['consent config', 'decline plan1', 'evaluate m1', 'train plan2'],
    ]);
  });

  it('goes on from the head that it had', () => {
    expect(resumed([...evaluating, evaluated('m1')], [config(), aggregate(1), plan(1), plan(2)])).toEqual([
      ...['consent config', 'train plan2'],
    ]);
    const after = [...evaluating, evaluated('m1')];
    expect(resumed(after, [config(), plan(2, { model: digest('mX') })])).toEqual(['consent config', 'stop']);
  });

  it('evaluates a head again whose evaluation the crash took', () => {
    expect(resumed(evaluating, [config(), aggregate(1)])).toEqual(['consent config', 'evaluate m1']);
    expect(resumed([...evaluating, plan(2)], [config(), aggregate(1), plan(2)])).toEqual([
      'consent config',
      'evaluate m1',
    ]);
    // The one before it was sent: what is missing is the newest only.
    expect(resumed([...evaluating, aggregate(2)], [config(), aggregate(2)])).toEqual(['consent config', 'evaluate m2']);
  });

  it('leaves when the configuration is another one, and joins anew when nothing was written', () => {
    expect(resumed(sending, [config('other')])).toEqual(['stop']);
    expect(resumed([], [config(), plan(1)])).toEqual(['consent config', 'train plan1']);
  });

  it('has nothing to remember of a run that is over, or that it refused', () => {
    expect(memoryOf(run([...waiting, runEnd()]).state)).toBeUndefined();
    expect(memoryOf(run([config('config', 'BACKBONE_MISMATCH')]).state)).toBeUndefined();
    expect(memoryOf(run(training).state)).toMatchObject({ answered: { round: 1, attempt: 1 }, unsent: undefined });
  });
});

describe('an update that was refused', () => {
  it('is no reason to leave when the round is over, and one otherwise', () => {
    expect(run([...sending, refused('plan1', true)])).toMatchObject({ state: { phase: 'waiting' }, said: [] });
    expect(run([...sending, refused('plan1', false)])).toMatchObject({
      state: { phase: 'refusing', code: 'UPDATE_REFUSED' },
      said: ['stop'],
    });
  });

  it('changes nothing when it was for another plan', () => {
    expect(run([...sending, refused('other', false), acknowledged('other')]).state.phase).toBe('sending');
    expect(run([...waiting, refused('plan1', false)]).state.phase).toBe('waiting');
  });
});

describe('what a hospital does not follow', () => {
  it('a configuration that it refuses', () => {
    expect(run([config('config', 'BACKBONE_MISMATCH')])).toEqual({
      state: { phase: 'refusing', code: 'BACKBONE_MISMATCH' },
      said: ['stop'],
    });
  });

  it.each([ready, training, sending, waiting, evaluating].map((events) => [run(events).state.phase, events] as const))(
    'another configuration in %s; the same one again is harmless',
    (_phase, events) => {
      const { state } = run(events);
      expect(stepHospital(own, state, config())).toEqual({ state, effects: [] });
      expect(stepHospital(own, state, config('other')).state).toEqual({ phase: 'refusing', code: 'CONFIG_CHANGED' });
    },
  );

  it('a plan for the next round from a model that nobody announced', () => {
    const unknown = plan(1, { model: digest('mX') });
    expect(run([...ready, unknown])).toMatchObject({ state: { code: 'PLAN_MODEL_UNKNOWN' }, said: ['stop'] });
    const old = plan(2, { model: digest('m0') });
    expect(run([...evaluating, evaluated('m1'), old])).toMatchObject({ state: { code: 'PLAN_MODEL_UNKNOWN' } });
    expect(run([...evaluating, old])).toMatchObject({ state: { code: 'PLAN_MODEL_UNKNOWN' } });
  });

  it('a plan that overtook the aggregate before it: it waits for the synchronisation that brings both', () => {
    const ahead = [...waiting, plan(3)];
    expect(run(ahead)).toMatchObject({ state: { phase: 'waiting', completedRound: 0 }, said: [] });
    expect(run([...ahead, config(), aggregate(2), plan(3), evaluated('m2')]).said).toEqual(['train plan3']);
  });

  it('an end that overtook the head before it: it waits for the synchronisation that brings both', () => {
    const end: HospitalEvent = {
      type: 'run-end',
      end: { configDigest: digest('config'), outcome: 'finished', reason: 'ALL_ROUNDS_DONE', rounds: 1 } as RunEnd,
    };
    expect(run([...waiting, end])).toMatchObject({ state: { phase: 'waiting' }, said: [] });
    expect(run([...waiting, end, aggregate(1), evaluated('m1'), end])).toMatchObject({
      state: { phase: 'ended', rounds: 1 },
      said: ['stop'],
    });
  });

  it('a plan without it, or of another configuration', () => {
    const { state } = run(ready);
    expect(stepHospital(own, state, plan(1, { cohort: ['b' as HospitalId] })).state).toBe(state);
    expect(stepHospital(own, state, plan(1, { configDigest: digest('other') })).state).toBe(state);
  });

  it('an aggregate or the end of another run, played back', () => {
    for (const events of [ready, training, waiting, evaluating]) {
      const { state } = run(events);
      expect(stepHospital(own, state, aggregate(9, { runId: 'earlier' as RunId })).state).toBe(state);
      expect(stepHospital(own, state, runEnd('earlier')).state).toBe(state);
    }
  });

  it('anything before the configuration', () => {
    for (const event of [plan(1), aggregate(1), evaluated('m0'), trained('plan1'), acknowledged('plan1'), runEnd()]) {
      expect(stepHospital(own, startHospital(), event)).toEqual({ state: { phase: 'joining' }, effects: [] });
    }
  });
});

it('is deaf after the end and after a refusal', () => {
  for (const last of [runEnd(), config('other')]) {
    const { state } = run([...training, last]);
    const more = [
      config(),
      plan(2),
      trained('plan1'),
      aggregate(1),
      evaluated('m0'),
      runEnd(),
      refused('plan1', false),
    ];
    for (const event of more) {
      const step = stepHospital(own, state, event);
      expect(step.state).toBe(state);
      expect(step.effects).toEqual([]);
    }
  }
});
