/**
 * Claims, for any statements of a coordinator in any order, signed nonsense and other runs included: (1) a hospital
 * trains at most once on a plan, and plans that it answers count strictly up; (2) it trains only from the model that it
 * announced to itself or that an aggregate of this run announced last, only when it is in the cohort, and only under the
 * configuration that it consented to; (3) it sends one update for a plan, after having trained on it; (4) it consents
 * once for a process, stops once, and is silent afterwards; (5) the machine changes none of its inputs and a replay gives the
 * same; (6) all of this over crashes too, of which only the written memory is left: an update that was announced is sent again
 * as the same one, and a plan whose update was lost is declined and never answered.
 * Oracle: a plain bookkeeper that reads events and effects only, written here. A failure prints its seed and path.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Aggregate, Digest, HospitalId, Plan, RunConfig, RunEnd, RunId } from '@consilium/protocol';
import { cohortOf, type AcceptedPlan, type HospitalEffect, type HospitalEvent, type HospitalState } from './state.js';
import { memoryOf, startHospital, stepHospital } from './step.js';

const own = 'a' as HospitalId;

/** Statements that a coordinator may sign: mostly sound ones of one run, in any order. */
const digests = (...names: string[]): fc.Arbitrary<Digest> => fc.constantFrom(...(names as Digest[]));
const configDigest = fc.oneof({ weight: 30, arbitrary: digests('config') }, { weight: 1, arbitrary: digests('other') });
const runId = fc.oneof({ weight: 9, arbitrary: fc.constant('run' as RunId) }, fc.constant('earlier' as RunId));
const round = fc.integer({ min: 1, max: 5 });
const planBody = fc
  .record({
    round,
    attempt: fc.integer({ min: 1, max: 2 }),
    configDigest: fc.oneof({ weight: 9, arbitrary: digests('config') }, digests('other')),
    sound: fc.integer({ min: 0, max: 29 }),
    isIn: fc.integer({ min: 0, max: 9 }),
    key: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ sound, isIn, key, ...rest }): AcceptedPlan => {
    const model = (sound === 0 ? 'unknown' : `m${rest.round - 1}`) as Digest;
    const cohort = (isIn === 0 ? ['b'] : ['b', own]) as HospitalId[];
    const plan = { ...rest, model, cohort } as Plan;
    return { plan, digest: JSON.stringify([plan, key]) as Digest };
  });

type Choice =
  | { readonly kind: 'crash' }
  | { readonly kind: 'said'; readonly event: HospitalEvent }
  /** What an honest coordinator would say now. */
  | { readonly kind: 'next'; readonly what: 'plan' | 'aggregate' }
  /** What the hospital reports about its own work; the digest is chosen when it happens. */
  | {
      readonly kind: 'done';
      readonly what: 'trained' | 'acknowledged' | 'refused' | 'over' | 'evaluated';
      readonly wrong: boolean;
    };

const statement: fc.Arbitrary<HospitalEvent> = fc.oneof(
  {
    weight: 2,
    arbitrary: configDigest.map((digest): HospitalEvent => {
      const config = { runId: 'run', initialModel: 'm0' } as RunConfig;
      return { type: 'config', config, digest, refusal: undefined };
    }),
  },
  { weight: 8, arbitrary: planBody.map(({ plan, digest }): HospitalEvent => ({ type: 'plan', plan, digest })) },
  {
    weight: 4,
    arbitrary: fc.tuple(runId, round).map(([run, r]): HospitalEvent => {
      return { type: 'aggregate', aggregate: { runId: run, round: r, model: `m${r}` } as Aggregate };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 9 }).map((n): HospitalEvent => {
      const end = { configDigest: n === 0 ? 'config' : 'earlier', outcome: 'finished', reason: 'STOPPED' } as RunEnd;
      return { type: 'run-end', end };
    }),
  },
);
const choice: fc.Arbitrary<Choice> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Choice>({ kind: 'crash' }) },
  { weight: 4, arbitrary: statement.map((event): Choice => ({ kind: 'said', event })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Choice[]>({ kind: 'next', what: 'plan' }, { kind: 'next', what: 'aggregate' }),
  },
  {
    weight: 12,
    arbitrary: fc
      .record({
        what: fc.constantFrom('trained' as const, 'acknowledged' as const, 'over' as const, 'evaluated' as const),
        wrong: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      })
      .map((done): Choice => ({ kind: 'done', ...done })),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 9 }).map((n): Choice => ({ kind: 'done', what: 'refused', wrong: n > 0 })),
  },
);

function eventOf(choice: Exclude<Choice, { kind: 'crash' }>, state: HospitalState): HospitalEvent {
  if (choice.kind === 'said') return choice.event;
  if (choice.kind === 'next') {
    const next = 'completedRound' in state ? state.completedRound + 1 : 1;
    if (choice.what === 'aggregate') {
      return { type: 'aggregate', aggregate: { runId: 'run', round: next, model: `m${next}` } as Aggregate };
    }
    const plan = { round: next, attempt: 1, configDigest: 'config', model: `m${next - 1}`, cohort: [own] } as object;
    return { type: 'plan', plan: plan as Plan, digest: `plan${next}` as Digest };
  }
  const current = 'accepted' in state ? state.accepted.digest : ('none' as Digest);
  const planDigest = choice.wrong ? ('wrong' as Digest) : current;
  switch (choice.what) {
    case 'trained':
      return { type: 'trained', planDigest };
    case 'acknowledged':
      return { type: 'update-acknowledged', planDigest };
    case 'over':
    case 'refused':
      return { type: 'update-refused', planDigest, roundIsOver: choice.what === 'over' };
    case 'evaluated':
      return { type: 'evaluated', model: choice.wrong || !('model' in state) ? ('wrong' as Digest) : state.model };
  }
}

/** Reads what goes in and what comes out, and objects to what a hospital must never do. */
class Witness {
  readonly #trained: AcceptedPlan[] = [];
  readonly #sent: Digest[] = [];
  readonly #declined = new Set<Digest>();
  #announced: Digest | undefined;
  #evaluatedRound = 0;
  /** Of the evaluations that were sent: a crash takes the others, and they are made again. */
  #reportedRound = 0;
  #mayRepeatAbove = 0;
  #consents = 0;
  #stops = 0;

  get rounds(): number {
    return this.#sent.length;
  }

  /** What is remembered is that another process goes on. */
  restarts(): void {
    this.#consents = 0;
    this.#mayRepeatAbove = this.#reportedRound;
  }

  sees(event: HospitalEvent, effects: readonly HospitalEffect[]): void {
    if (this.#stops > 0) expect(effects).toEqual([]);
    if (event.type === 'evaluated' && event.model === this.#announced) this.#reportedRound = this.#mayRepeatAbove;
    for (const effect of effects) this.#seesEffect(event, effect);
  }

  #seesEffect(event: HospitalEvent, effect: HospitalEffect): void {
    switch (effect.type) {
      case 'advertise':
        throw new Error('these plans are sealed ones');
      case 'send-consent':
        expect(this.#consents++).toBe(0);
        expect(event).toMatchObject({ type: 'config', digest: effect.configDigest });
        this.#announced ??= 'm0' as Digest;
        return;
      case 'train': {
        const { plan } = effect.accepted;
        const last = this.#trained.at(-1)?.plan ?? { round: 0, attempt: 0 };
        expect(10 * plan.round + plan.attempt).toBeGreaterThan(10 * last.round + last.attempt);
        expect(plan.round).toBeGreaterThan(this.#evaluatedRound);
        expect(plan.model).toBe(this.#announced);
        expect(cohortOf(plan)).toContain(own);
        expect(plan.configDigest).toBe('config');
        this.#trained.push(effect.accepted);
        return;
      }
      case 'send-update':
        expect(this.#trained.at(-1)).toEqual(effect.accepted);
        expect(this.#declined).not.toContain(effect.accepted.digest);
        // A second time only in a process that has taken the run up.
        if (event.type === 'config') expect(this.#sent.at(-1)).toBe(effect.accepted.digest);
        else {
          expect(event).toEqual({ type: 'trained', planDigest: effect.accepted.digest });
          expect(this.#sent).not.toContain(effect.accepted.digest);
          this.#sent.push(effect.accepted.digest);
        }
        return;
      case 'send-decline': {
        const { plan, digest } = effect.accepted;
        expect(event).toMatchObject({ type: 'plan', digest });
        const last = this.#trained.at(-1)?.plan;
        expect([plan.round, plan.attempt]).toEqual([last?.round, last?.attempt]);
        this.#declined.add(digest);
        return;
      }
      case 'evaluate':
        expect(event).toEqual({ type: 'aggregate', aggregate: effect.aggregate });
        expect(effect.aggregate.runId).toBe('run');
        expect(effect.aggregate.round).toBeGreaterThan(this.#mayRepeatAbove);
        this.#evaluatedRound = Math.max(this.#evaluatedRound, effect.aggregate.round);
        this.#mayRepeatAbove = effect.aggregate.round;
        this.#announced = effect.aggregate.model;
        return;
      case 'stop':
        expect(this.#stops++).toBe(0);
    }
  }
}

it('holds for any sequence of statements', () => {
  let manyRounds = 0;
  const firstConfig: HospitalEvent = {
    type: 'config',
    config: { runId: 'run', initialModel: 'm0' } as RunConfig,
    ...{ digest: 'config' as Digest, refusal: undefined },
  };
  fc.assert(
    fc.property(fc.boolean(), fc.array(choice, { maxLength: 120, size: 'max' }), (atOnce, choices) => {
      const witness = new Witness();
      const log: (HospitalEvent | 'crash')[] = [];
      let state = startHospital();
      const deliver = (event: HospitalEvent): void => {
        // Under another configuration the run is another one: the witness follows the first.
        if (state.phase === 'joining' && event.type === 'config' && event.digest !== 'config') return;
        log.push(event);
        const before = structuredClone(state);
        const step = stepHospital(own, state, event);
        expect(state).toEqual(before);
        witness.sees(event, step.effects);
        ({ state } = step);
      };
      if (atOnce) deliver(firstConfig);
      const afterCrash = (before: HospitalState): HospitalState => {
        const memory = memoryOf(before);
        return startHospital(memory && (JSON.parse(JSON.stringify(memory)) as typeof memory));
      };
      for (const next of choices) {
        if (next.kind !== 'crash') deliver(eventOf(next, state));
        // A run that is over here is not taken up again.
        else if (state.phase !== 'ended' && state.phase !== 'refusing') {
          log.push('crash');
          state = afterCrash(state);
          witness.restarts();
          if (atOnce) deliver(firstConfig);
        }
      }

      let replayed = startHospital();
      for (const event of log) {
        replayed = event === 'crash' ? afterCrash(replayed) : stepHospital(own, replayed, structuredClone(event)).state;
      }
      expect(replayed).toEqual(state);
      if (witness.rounds >= 2) manyRounds += 1;
    }),
    { seed: 20_261_122, numRuns: 1_500 },
  );
  // The sequences are worth something only if many of them get a hospital through several rounds.
  expect(manyRounds).toBeGreaterThan(100);
});
