/**
 * Claims, for any order of events, duplicates and losses included: (1) a round is planned once and aggregated at most
 * once, rounds count up by one, and each starts from the model that the one before ended with; (2) an aggregate holds
 * exactly the accepted updates, in hospital order, each hospital at most once, all of the cohort, never fewer than the
 * minimum; (3) the end is final; (4) the machine changes none of its inputs, and a replay of the same events gives the
 * same states and effects; (5) every run ends if timers keep firing, even if no hospital says another word, and a pause does
 * not outlast its resumption; (6) a new process that has lost every timer and all work in progress asks for the same plan, the
 * same publication or the same sum again, and (5) holds for it; (7) who declined is not counted.
 * Oracle: a plain bookkeeper that reads events and effects only, written here. A failure prints its seed and path.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState, RunRules } from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

const NAMES = ['a', 'b', 'c', 'd', 'stranger'] as HospitalId[];
const ROSTER = NAMES.slice(0, 4);

/** What the effects ask of the world, and what has been seen so far. */
class World {
  readonly log: CoordinatorEvent[] = [];
  readonly timers = new Set<string>();
  readonly due: CoordinatorEvent[] = [];
  readonly allEffects: CoordinatorEffect[] = [];
  readonly #accepted = new Map<HospitalId, Digest>();
  readonly #declined = new Set<HospitalId>();
  /** Of this type the last effect, for the process that asks again. */
  readonly #last = new Map<CoordinatorEffect['type'], CoordinatorEffect>();
  #isRestarting = false;
  #collecting: { readonly planDigest: Digest; readonly cohort: readonly HospitalId[] } | undefined;
  #cohort: readonly HospitalId[] = [];
  #planned = 0;
  #aggregated = 0;
  #published = 0;
  #model: Digest;
  #ended = false;
  state: CoordinatorState;

  constructor(private readonly rules: RunRules) {
    this.#model = rules.initialModel;
    const { state, effects } = startCoordinator(rules);
    this.state = state;
    for (const effect of effects) this.#perform(effect);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get planDigest(): Digest {
    return `plan-${this.#planned}` as Digest;
  }

  get model(): Digest {
    return this.#model;
  }

  deliver(event: CoordinatorEvent): void {
    this.log.push(event);
    const before = structuredClone(this.state);
    const wasEnded = this.#ended;
    this.#noteUpdate(event);
    this.#noteDecline(event);
    this.#isRestarting = event.type === 'restarted';
    if (this.#isRestarting) this.timers.clear();
    const { state, effects } = stepCoordinator(this.rules, this.state, event);
    expect(this.state).toEqual(before);
    if (wasEnded) {
      expect(state).toBe(this.state);
      expect(effects).toEqual([]);
    }
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    expect(state.phase === 'ended').toBe(this.#ended);
  }

  /** Which updates should count, decided from events alone. */
  #noteUpdate(event: CoordinatorEvent): void {
    if (event.type !== 'update-accepted' || this.#collecting?.planDigest !== event.planDigest || this.#ended) return;
    const { hospitalId, blobDigest } = event.update;
    if (!this.#collecting.cohort.includes(hospitalId) || this.#accepted.has(hospitalId)) return;
    if (!this.#declined.has(hospitalId)) this.#accepted.set(hospitalId, blobDigest);
  }

  #noteDecline(event: CoordinatorEvent): void {
    if (event.type !== 'declined' || this.#collecting?.planDigest !== event.planDigest || this.#ended) return;
    if (this.#collecting.cohort.includes(event.hospitalId) && !this.#accepted.has(event.hospitalId)) {
      this.#declined.add(event.hospitalId);
    }
  }

  #perform(effect: CoordinatorEffect): void {
    this.allEffects.push(effect);
    expect(this.#ended).toBe(false);
    const before = this.#last.get(effect.type);
    this.#last.set(effect.type, effect);
    if (this.#isRestarting && effect.type !== 'set-timer') {
      expect(effect).toEqual(before);
      if (effect.type === 'sign-plan') this.#planIsDue(effect.round);
      if (effect.type === 'aggregate') this.#sumIsDue(effect.round, effect.planDigest);
      return;
    }
    switch (effect.type) {
      case 'close-stage':
      case 'publish-sum':
      case 'leave-out':
        throw new Error('a sealed run has no secure round');
      case 'set-timer':
        expect(effect.delayMs).toBeGreaterThan(0);
        this.timers.add(effect.key);
        return;
      case 'sign-plan':
        expect(effect).toMatchObject({ round: this.#planned + 1, attempt: 1, model: this.#model });
        expect(this.#published).toBe(this.#planned);
        expect(effect.cohort.length).toBeGreaterThanOrEqual(this.rules.minHospitals);
        expect(effect.cohort).toEqual(ROSTER.filter((name) => effect.cohort.includes(name)));
        this.#planned += 1;
        this.#cohort = effect.cohort;
        this.#planIsDue(effect.round);
        return;
      case 'publish-plan':
        expect(effect.planDigest).toBe(this.planDigest);
        this.#accepted.clear();
        this.#declined.clear();
        this.#collecting = { planDigest: effect.planDigest, cohort: this.#cohort };
        return;
      case 'aggregate': {
        expect(effect).toMatchObject({ round: this.#planned, planDigest: this.planDigest, model: this.#model });
        expect(effect.round).toBe(this.#aggregated + 1);
        this.#aggregated += 1;
        this.#collecting = undefined;
        const expected = [...this.#accepted].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(effect.updates.map(({ hospitalId, blobDigest }) => [hospitalId, blobDigest])).toEqual(expected);
        expect(expected.length).toBeGreaterThanOrEqual(this.rules.minHospitals);
        this.#sumIsDue(effect.round, effect.planDigest);
        return;
      }
      case 'publish-aggregate':
        expect(effect.round).toBe(this.#published + 1);
        this.#published += 1;
        this.#model = effect.newModel;
        return;
      case 'end-run':
        expect(effect.rounds).toBe(this.#published);
        expect(effect.outcome === 'finished').toBe(['ALL_ROUNDS_DONE', 'EARLY_STOPPED'].includes(effect.reason));
        if (effect.reason === 'ALL_ROUNDS_DONE') expect(this.#published).toBe(this.rules.rounds);
        if (effect.reason === 'EARLY_STOPPED') {
          expect(this.#published).toBeLessThan(this.rules.rounds);
          expect(this.#published).toBeGreaterThan(this.rules.patienceRounds ?? Infinity);
        }
        this.#ended = true;
    }
  }

  #planIsDue(round: number): void {
    this.due.push({ type: 'plan-signed', round, attempt: 1, planDigest: this.planDigest });
  }

  #sumIsDue(round: number, planDigest: Digest): void {
    this.due.push({ type: 'aggregated', planDigest, model: `model-${round}` as Digest, totalExamples: 1 });
  }
}

/** Drawn from evenly, so the likely ones are there more than once. */
const KINDS = [
  ...['connect', 'connect', 'disconnect', 'consent', 'consent', 'update', 'update', 'update', 'update', 'update'],
  ...['evaluate', 'evaluate', 'timer', 'repeat', 'stop', 'due', 'due', 'due', 'due'],
  ...['restart', 'decline', 'pause', 'resume', 'resume', 'connect', 'connect', 'update', 'update', 'update'],
  ...['connect', 'consent', 'update', 'update', 'update', 'evaluate', 'due', 'due', 'due'],
] as const;

/** One choice of fast-check -> one event, mostly a likely one. */
function choose(world: World, kind: number, who: number, which: number): CoordinatorEvent {
  const hospitalId = NAMES[who % NAMES.length] as HospitalId;
  const at = <T>(items: readonly T[]): T | undefined => items[which % Math.max(1, items.length)];
  switch (KINDS[kind % KINDS.length]) {
    case 'connect':
      return { type: 'connected', hospitalId };
    case 'disconnect':
      return { type: 'disconnected', hospitalId };
    case 'consent':
      return { type: 'consented', hospitalId };
    case 'update': {
      const planDigest = which % 5 === 0 ? (`plan-${which % 4}` as Digest) : world.planDigest;
      const update = {
        hospitalId,
        blobDigest: `blob-${which}` as Digest,
        blobBytes: 60,
        examples: 1 + which,
        loss: 0.5,
      };
      return { type: 'update-accepted', planDigest, update };
    }
    case 'evaluate':
      return {
        type: 'evaluated',
        hospitalId,
        model: which % 5 === 0 ? ('model-1' as Digest) : world.model,
        score: which % 3 === 0 ? null : { examples: 1 + which, value: (which % 7) / 7 },
      };
    case 'timer': {
      const key = at([...world.timers]);
      if (key === undefined || which % 7 === 0) return { type: 'timer', key: `gather:${which % 4}` };
      world.timers.delete(key);
      return { type: 'timer', key };
    }
    case 'repeat':
      // It stays due: a repeated effect repeats its answer.
      return at(world.due) ?? { type: 'timer', key: 'nothing' };
    case 'restart':
      // What the old process was doing is lost with it.
      world.due.length = 0;
      return { type: 'restarted' };
    case 'decline':
      return { type: 'declined', hospitalId, planDigest: world.planDigest };
    case 'pause':
    case 'resume':
      return { type: KINDS[kind % KINDS.length] as 'pause' | 'resume' };
    case 'stop':
      return which === 0 ? { type: 'stop' } : { type: 'consented', hospitalId };
    default:
      return world.due.shift() ?? { type: 'connected', hospitalId };
  }
}

/** The world without hospitals: what was asked for is answered, then timers fire, oldest first. */
function drain(world: World, rounds: number): void {
  if (world.state.paused) world.deliver({ type: 'resume' });
  for (let left = 20 + 10 * rounds; left > 0 && !world.ended; left--) {
    const due = world.due.shift();
    if (due !== undefined) {
      world.deliver(due);
      continue;
    }
    const [key] = world.timers;
    if (key === undefined) throw new Error(`nothing can happen any more in ${world.state.phase}`);
    world.timers.delete(key);
    world.deliver({ type: 'timer', key });
  }
}

const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const rulesOf = fc.record({
  rounds: fc.integer({ min: 1, max: 3 }),
  minHospitals: fc.integer({ min: 1, max: 4 }),
  quorum: some(fc.record({ hospitals: fc.integer({ min: 1, max: 4 }), afterMs: fc.constant(500) })),
  patienceRounds: some(fc.integer({ min: 1, max: 2 })),
});
const step = fc.tuple(fc.nat({ max: KINDS.length - 1 }), fc.nat({ max: 4 }), fc.nat({ max: 34 }));

it('holds for any sequence of events', () => {
  let finished = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      rulesOf,
      fc.array(step, { maxLength: 200, size: 'max' }),
      ({ quorum, patienceRounds, ...drawn }, steps) => {
        const rules: RunRules = {
          roster: ROSTER,
          ...drawn,
          ...(quorum === undefined ? {} : { quorum }),
          ...(patienceRounds === undefined ? {} : { patienceRounds }),
          ...{ gatherTimeoutMs: 1_000, roundTimeoutMs: 2_000, absenceGraceMs: 300, initialModel: 'model-0' as Digest },
        };
        const world = new World(rules);
        for (const [kind, who, which] of steps) world.deliver(choose(world, kind, who, which));
        drain(world, rules.rounds);
        expect(world.ended).toBe(true);

        let replayed = startCoordinator(rules);
        const effects = [...replayed.effects];
        for (const event of world.log) {
          replayed = stepCoordinator(rules, replayed.state, structuredClone(event));
          effects.push(...replayed.effects);
        }
        expect(replayed.state).toEqual(world.state);
        expect(effects).toEqual(world.allEffects);

        runs += 1;
        if (world.state.phase === 'ended' && world.state.outcome === 'finished') finished += 1;
      },
    ),
    { seed: 20_261_122, numRuns: 600 },
  );
  // The sequences are worth something only if many of them lead a run to its end.
  expect(finished).toBeGreaterThan(runs / 10);
});
