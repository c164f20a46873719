/**
 * What must hold after a seed under secure aggregation: each head follows from the mean of exactly the vectors that counted,
 * within the rounding of the ring, and nobody spoke twice. Oracle: float64 arithmetic over the known updates.
 */
import type { CoordinatorEvent, CoordinatorState } from '@consilium/rounds';
import { startCoordinator, stepCoordinator } from '@consilium/rounds';
import { deadlinesOf, eventsOf, folded, headOf, rulesOf, signed, type History } from './checks.js';
import { digestOf } from './oracle.js';
import { knownUpdate } from './known-learner.js';

interface Opening {
  readonly state: Extract<CoordinatorState, { phase: 'opening' }>;
  readonly event: Extract<CoordinatorEvent, { type: 'opened' }>;
}

/** @param examples - of each hospital of the roster. */
export function secureViolationsOf(history: History, examples: readonly number[]): string[] {
  const events = eventsOf(history);
  const openings = openingsOf(history, events);
  return [
    ...headsOf(history, openings, examples),
    ...statementsOf(history, openings),
    ...wordsOf(history, events),
    ...hospitalsOf(history, openings),
    ...endOf(history, folded(history.config, events)),
    ...deadlinesOf(history),
  ];
}

function openingsOf({ config }: History, events: readonly CoordinatorEvent[]): Opening[] {
  const rules = rulesOf(config);
  const openings: Opening[] = [];
  let { state } = startCoordinator(rules);
  for (const event of events) {
    if (event.type === 'opened' && state.phase === 'opening' && state.planDigest === event.planDigest) {
      openings.push({ state, event });
    }
    ({ state } = stepCoordinator(rules, state, event));
  }
  return openings;
}

/** Each head is what the survivors' known updates give, and the counts in the sum are theirs. */
function headsOf(history: History, openings: readonly Opening[], examples: readonly number[]): string[] {
  const { config, initial, kept } = history;
  const violations: string[] = [];
  const places = config.roster.map(({ hospitalId }) => hospitalId);
  const { weightCap = 1, zMax = 1 } = config.secagg ?? {};
  const rate = Number(config.server.learningRate);
  const momentum = 'momentum' in config.server ? Number(config.server.momentum) : 0;
  const velocity = new Float64Array(initial.length);
  let before = initial;
  for (const { state, event } of openings) {
    const { round, secure, said, cohort } = state;
    const survivors = [...said.masking.keys()].sort();
    const xs = survivors.map((id) => [...cohort].sort().indexOf(id) + 1);
    if (JSON.stringify(xs) !== JSON.stringify(event.sum.survivors))
      violations.push(`round ${round} sums other hospitals`);
    if (survivors.length < secure.floor) violations.push(`round ${round} opened a sum of too few`);
    if (secure.lastly !== undefined) continue;
    const weights = survivors.map((id) => Math.min(weightCap, examples[places.indexOf(id)] ?? 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total !== event.sum.totalWeight) violations.push(`round ${round} counts other examples`);
    const updates = survivors.map((id) => knownUpdate(places.indexOf(id), round, before));
    // One ring unit for each survivor, as an update of full weight, and the slack of the norm.
    const unit = Number(config.clipNorm) / (zMax - 1);
    const bound = rate * 2 * (survivors.length * unit * (weightCap / total) + 1e-5);
    const expected = before.map((value, k) => {
      const mean = updates.reduce((sum, update, i) => sum + (weights[i] ?? 0) * (update[k] ?? 0), 0) / total;
      velocity[k] = momentum * (velocity[k] ?? 0) + mean;
      return value + rate * velocity[k];
    });
    // A snapshot that a crash has taken is written by nobody again; the store has the head that the hospitals read.
    const actual = kept.get(round) ?? storedHead(history, event.model);
    if (actual === undefined) return [...violations, `the head of round ${round} is nowhere`];
    const off = actual.findIndex((value, k) => Math.abs(value - (expected[k] ?? 0)) > bound);
    if (off >= 0) violations.push(`round ${round}: the head is not the mean of its ${survivors.length} survivors`);
    if (digestOf(actual) !== event.model) violations.push(`the snapshot of round ${round} is another head`);
    before = actual;
  }
  const trained = openings.filter(({ state }) => state.secure.lastly === undefined);
  trained.forEach(({ state }, i) => {
    if (state.round !== i + 1) violations.push(`round ${state.round} was completed as number ${i + 1}`);
  });
  return violations;
}

/** As hospitals read it; its name is its digest. */
function storedHead({ database, config }: History, digest: string): Float32Array | undefined {
  const bytes = database.runs.get(config.runId)?.blobs.get(`model/${digest}`)?.bytes;
  return bytes && new Float32Array(Uint8Array.from(bytes).buffer);
}

function statementsOf(history: History, openings: readonly Opening[]): string[] {
  const actual = signed(history, 'secagg-aggregate').map(({ planDigest, model, sumDigest }) => ({
    planDigest,
    model,
    sumDigest,
  }));
  const expected = openings.map(({ event: { planDigest, model, sum } }) => ({
    planDigest,
    model,
    sumDigest: sum.sumDigest,
  }));
  return JSON.stringify(actual) === JSON.stringify(expected) ? [] : ['the signed sums are not those of the log'];
}

/** Nothing acknowledged is lost, and no hospital says two things at one stage. */
function wordsOf({ acknowledged, offered }: History, events: readonly CoordinatorEvent[]): string[] {
  const counted = new Set(events.flatMap((event) => (event.type === 'said' ? [event.word.blob?.digest] : [])));
  return [
    ...acknowledged
      .filter(({ blobDigest }) => !counted.has(blobDigest))
      .map(({ hospitalId }) => `an acknowledged vector of ${hospitalId} is lost`),
    ...events.flatMap((event) =>
      event.type === 'disputed' ? [`${event.hospitalId} disputed the shares of ${event.accused}: both are honest`] : [],
    ),
    ...[...offered].filter(([, blobs]) => blobs.size > 1).map(([place]) => `${place}: two different vectors were sent`),
  ];
}

function hospitalsOf(history: History, openings: readonly Opening[]): string[] {
  const { outcomes, config } = history;
  const best = signed(history, 'run-end')[0]?.['best'] as { readonly model: string } | null | undefined;
  const last = openings.findLast(({ state }) => state.secure.lastly === undefined)?.event.model;
  const final = config.selection.patienceRounds > 0 && best ? best.model : last;
  return config.roster.flatMap(({ hospitalId }) => {
    const outcome = outcomes.get(hospitalId);
    if (outcome === undefined) return [`${hospitalId} never learnt of the end`];
    if (outcome.ended === 'refused-here') return [`${hospitalId} left: ${outcome.code} ${outcome.detail}`];
    if (outcome.ended === 'refused-there') return [`${hospitalId} was turned away: ${outcome.error.code}`];
    if (outcome.ended === 'stopped') return [`${hospitalId} was stopped by nobody`];
    return headOf(outcome.model) === (final ?? 'none') ? [] : [`${hospitalId} ends with another head`];
  });
}

function endOf(history: History, state: CoordinatorState): string[] {
  const stored = history.database.runs.get(history.config.runId);
  if (stored === undefined) return ['there is no run'];
  if (state.phase !== 'ended') return [`the run never ended: it is ${state.phase}`];
  const [end, ...more] = signed(history, 'run-end');
  const says = end?.['outcome'] === state.outcome && end['reason'] === state.reason && end['rounds'] === state.rounds;
  return [
    ...(more.length === 0 && says ? [] : ['the signed end of the run is not that of its log']),
    ...(state.reason === 'COORDINATOR_FAILED' || state.reason === 'SUM_REFUSED'
      ? [`the run ended: ${state.reason}`]
      : []),
    ...(stored.ended ? [] : ['the store does not know that the run is over']),
  ];
}
