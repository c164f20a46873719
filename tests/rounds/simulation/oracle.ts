/**
 * What each head must be, from the log of accepted updates alone: known updates, a weighted mean and the server's step in
 * float64, written anew from the papers and not from the product.
 */
import { createHash } from 'node:crypto';
import type { Digest, RunConfig } from '@consilium/protocol';
import type { CoordinatorEvent, ReceivedUpdate } from '@consilium/rounds';
import { knownUpdate } from './known-learner.js';

export interface ExpectedRound {
  readonly round: number;
  readonly planDigest: Digest;
  readonly updates: readonly ReceivedUpdate[];
  readonly model: Float32Array;
}

export const digestOf = (model: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(model.buffer, model.byteOffset, model.byteLength))
    .digest('hex');

/** @returns The completed rounds, and what contradicts the log's own words. */
export function expectedRounds(
  config: RunConfig,
  initial: Float32Array,
  events: readonly CoordinatorEvent[],
): { readonly rounds: readonly ExpectedRound[]; readonly contradictions: readonly string[] } {
  const open = new Map<Digest, { readonly round: number; readonly updates: Map<string, ReceivedUpdate> }>();
  const rounds: ExpectedRound[] = [];
  const contradictions: string[] = [];
  const step = serverOf(config.server, initial.length);
  let model = initial;
  for (const event of events) {
    if (event.type === 'plan-signed') open.set(event.planDigest, { round: event.round, updates: new Map() });
    if (event.type === 'update-accepted') {
      const updates = open.get(event.planDigest)?.updates;
      const { hospitalId } = event.update;
      if (updates === undefined) contradictions.push('an update was accepted for a plan that nobody signed');
      if (updates?.has(hospitalId) === true)
        contradictions.push(`two updates of ${hospitalId} were accepted in one round`);
      updates?.set(hospitalId, event.update);
    }
    if (event.type !== 'aggregated') continue;
    const of = open.get(event.planDigest);
    if (of === undefined) {
      contradictions.push('a plan that nobody signed, or that is over, was aggregated');
      continue;
    }
    open.delete(event.planDigest);
    const updates = [...of.updates.values()].sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
    if (updates.length < config.minHospitals) contradictions.push(`round ${of.round} has fewer than the minimum`);
    const total = updates.reduce((sum, { examples }) => sum + examples, 0);
    if (total !== event.totalExamples) contradictions.push(`round ${of.round} counts other examples`);
    const places = config.roster.map(({ hospitalId }) => hospitalId);
    const mean = new Float64Array(model.length);
    for (const { hospitalId, examples } of updates) {
      const update = knownUpdate(places.indexOf(hospitalId), of.round, model);
      for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] ?? 0) + examples * (update[k] ?? 0);
    }
    model = step(
      model,
      mean.map((sum) => sum / total),
    );
    if (digestOf(model) !== event.model) {
      contradictions.push(`the head after round ${of.round} is not the weighted mean of its ${updates.length} updates`);
    }
    rounds.push({ round: of.round, planDigest: event.planDigest, updates, model });
  }
  rounds.forEach(({ round }, i) => {
    if (round !== i + 1) contradictions.push(`round ${round} was completed as number ${i + 1}`);
  });
  return { rounds, contradictions };
}

/** Reddi et al. 2021, Algorithm 2; Hsu et al. 2019 for momentum. Keeps its moments between calls. */
function serverOf(
  server: RunConfig['server'],
  parameters: number,
): (model: Float32Array, mean: Float64Array) => Float32Array {
  const rate = Number(server.learningRate);
  const tau = 'tau' in server ? Number(server.tau) : 0;
  const beta1 = 'beta1' in server ? Number(server.beta1) : 0;
  const beta2 = 'beta2' in server ? Number(server.beta2) : 0;
  const first = new Float64Array(parameters);
  const second = new Float64Array(parameters).fill(tau * tau);
  return (model, mean) =>
    model.map((value, k) => {
      const delta = mean[k] ?? 0;
      const m = first[k] ?? 0;
      const v = second[k] ?? 0;
      const square = delta * delta;
      switch (server.optimizer) {
        case 'fedavg':
          return value + rate * delta;
        case 'fedavgm':
          first[k] = Number(server.momentum) * m + delta;
          return value + rate * first[k];
        case 'fedadagrad':
          second[k] = v + square;
          break;
        case 'fedadam':
          second[k] = beta2 * v + (1 - beta2) * square;
          break;
        case 'fedyogi':
          second[k] = v - (1 - beta2) * square * Math.sign(v - square);
      }
      first[k] = beta1 * m + (1 - beta1) * delta;
      return value + rate * (first[k] / (Math.sqrt(second[k] ?? 0) + tau));
    });
}
