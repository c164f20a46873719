/** Events in a few words for the tests of this folder: a run of three hospitals over two rounds, and how far it can be. */
import type { Digest, HospitalId } from '@consilium/protocol';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState, RunRules } from './state.js';
import { startCoordinator, stepCoordinator } from './step.js';

export const id = (name: string): HospitalId => name as HospitalId;
export const digest = (name: string): Digest => name as Digest;

export const RULES: RunRules = {
  roster: [id('a'), id('b'), id('c')],
  rounds: 2,
  minHospitals: 2,
  gatherTimeoutMs: 1_000,
  roundTimeoutMs: 2_000,
  absenceGraceMs: 300,
  initialModel: digest('m0'),
};

export const on = (type: 'connected' | 'disconnected' | 'consented', name: string): CoordinatorEvent => ({
  type,
  hospitalId: id(name),
});
export const timer = (key: string): CoordinatorEvent => ({ type: 'timer', key });
export const planSigned = (round: number): CoordinatorEvent => ({
  type: 'plan-signed',
  ...{ round, attempt: 1, planDigest: digest(`plan${round}`) },
});
export const update = (round: number, name: string, examples = 10): CoordinatorEvent => ({
  type: 'update-accepted',
  planDigest: digest(`plan${round}`),
  update: { hospitalId: id(name), blobDigest: digest(`blob-${name}`), blobBytes: 60, examples, loss: 0.5 },
});
export const aggregated = (round: number): CoordinatorEvent => ({
  type: 'aggregated',
  ...{ planDigest: digest(`plan${round}`), model: digest(`m${round}`), totalExamples: 20 },
});
export const evaluated = (name: string, model: string, value = 0.5): CoordinatorEvent => ({
  type: 'evaluated',
  ...{ hospitalId: id(name), model: digest(model), score: { examples: 10, value } },
});

/** Runs events from the start; the effects are those of the last one. */
export function run(events: readonly CoordinatorEvent[], rules = RULES): { state: CoordinatorState; said: string[] } {
  let { state, effects } = startCoordinator(rules);
  for (const event of events) ({ state, effects } = stepCoordinator(rules, state, event));
  return { state, said: effects.map(said) };
}

/** An effect in a few words. */
export function said(effect: CoordinatorEffect): string {
  switch (effect.type) {
    case 'set-timer':
      return `timer ${effect.key} ${effect.delayMs}`;
    case 'sign-plan':
      return `sign ${effect.round} from ${effect.model} with ${effect.cohort.join('')}`;
    case 'publish-plan':
      return `publish ${effect.planDigest}`;
    case 'aggregate':
      return `aggregate ${effect.round} of ${effect.updates.map(({ hospitalId }) => hospitalId).join('')}`;
    case 'close-stage':
      return `close ${effect.stage}`;
    case 'publish-sum':
      return `sum ${effect.round} ${effect.newModel}`;
    case 'publish-aggregate':
      return `result ${effect.round} ${effect.newModel}`;
    case 'leave-out':
      return `leave out ${effect.hospitals.join('')}`;
    case 'end-run':
      return `end ${effect.outcome} ${effect.reason} ${effect.rounds}`;
  }
}

export const join = (...names: string[]): CoordinatorEvent[] =>
  names.flatMap((name) => [on('connected', name), on('consented', name)]);
export const allIn = join('a', 'b', 'c');
export const collecting = [...allIn, planSigned(1)];
export const round1 = [...collecting, update(1, 'c'), update(1, 'a'), update(1, 'b')];
export const round2 = [...round1, aggregated(1), planSigned(2), update(2, 'a'), update(2, 'b'), update(2, 'c')];
export const closing = [...round2, aggregated(2)];
