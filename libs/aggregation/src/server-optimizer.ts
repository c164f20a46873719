/**
 * What the coordinator does with the mean update: the server optimisers of federated learning, on flat vectors in float64.
 * The mean update is the pseudo-gradient's negative, so every rule adds.
 *
 * @see Reddi et al., Adaptive Federated Optimization, ICLR 2021, arXiv:2003.00295, Algorithm 2 (adagrad, yogi, adam)
 * @see Hsu et al., Measuring the Effects of Non-Identical Data Distribution, 2019, arXiv:1909.06335 (momentum)
 */
import { AggregationError } from './errors.js';
import { applyMean } from './weighted-mean.js';

export type ServerOptimizer =
  | { readonly optimizer: 'fedavg'; readonly learningRate: number }
  /** velocity = momentum * velocity + mean; head += learningRate * velocity. */
  | { readonly optimizer: 'fedavgm'; readonly learningRate: number; readonly momentum: number }
  | ({ readonly optimizer: 'fedadagrad' } & Omit<AdaptiveSettings, 'beta2'>)
  | ({ readonly optimizer: 'fedadam' | 'fedyogi' } & AdaptiveSettings);

interface AdaptiveSettings {
  readonly learningRate: number;
  /** Decay of the first moment, [0, 1). */
  readonly beta1: number;
  /** Decay of the second moment, [0, 1). */
  readonly beta2: number;
  /** Degree of adaptivity, above 0: the second moment starts at tau^2, and tau is added to its root. */
  readonly tau: number;
}

/** From a signed configuration, whose numbers are decimal texts, already checked. */
export function serverOptimizerOf({
  optimizer,
  ...decimals
}: { readonly optimizer: ServerOptimizer['optimizer'] } & Readonly<Record<string, string>>): ServerOptimizer {
  const numbers = Object.entries(decimals).map(([name, value]) => [name, Number(value)]);
  return { optimizer, ...(Object.fromEntries(numbers) as object) } as ServerOptimizer;
}

/** What an optimiser remembers between rounds: as many vectors, float64, shape (d,), as it has moments. */
export type ServerMoments = readonly Float64Array[];

export const momentCount = ({ optimizer }: ServerOptimizer): 0 | 1 | 2 =>
  optimizer === 'fedavg' ? 0 : optimizer === 'fedavgm' ? 1 : 2;

/** Before the first round. @param parameters - d. */
export function startMoments(server: ServerOptimizer, parameters: number): ServerMoments {
  const start = 'tau' in server ? [0, server.tau ** 2] : [0];
  return start.slice(0, momentCount(server)).map((value) => new Float64Array(parameters).fill(value));
}

/**
 * One server step. With `fedavg` and a learning rate of 1 it is exactly FedAvg: float32(head + mean).
 *
 * @param head - float32, shape (d,). Not modified.
 * @param mean - float64, shape (d,): the weighted mean of the updates. Not modified.
 * @param moments - of the round before, or {@link startMoments}. Not modified.
 * @throws {@link AggregationError} `WRONG_LENGTH`; `NOT_FINITE` with the index of a coordinate that left float32.
 */
export function stepServer(
  server: ServerOptimizer,
  head: Float32Array,
  mean: Float64Array,
  moments: ServerMoments,
): { readonly head: Float32Array; readonly moments: ServerMoments } {
  const d = head.length;
  const fits = moments.length === momentCount(server) && moments.every(({ length }) => length === d);
  if (!fits || mean.length !== d) throw new AggregationError('WRONG_LENGTH', `expected vectors of ${d} coordinates`);
  // Times 1 is exact: FedAvg needs no vector of its own.
  if (server.optimizer === 'fedavg' && server.learningRate === 1) return { head: applyMean(head, mean), moments: [] };
  const next = moments.map((moment) => Float64Array.from(moment));
  const step = new Float64Array(d);
  for (let k = 0; k < d; k++) step[k] = server.learningRate * direction(server, mean[k] as number, next, k);
  return { head: applyMean(head, step), moments: next };
}

/** Updates coordinate k of the moments, and says where that coordinate of the head goes. */
function direction(
  server: ServerOptimizer,
  delta: number,
  [first, second]: readonly Float64Array[],
  k: number,
): number {
  if (server.optimizer === 'fedavg' || first === undefined) return delta;
  if (server.optimizer === 'fedavgm' || second === undefined) {
    const momentum = 'momentum' in server ? server.momentum : 0;
    return (first[k] = momentum * (first[k] as number) + delta);
  }
  const m = (first[k] = server.beta1 * (first[k] as number) + (1 - server.beta1) * delta);
  const v = (second[k] = secondMoment(server, second[k] as number, delta ** 2));
  return m / (Math.sqrt(v) + server.tau);
}

function secondMoment(server: Extract<ServerOptimizer, { tau: number }>, before: number, square: number): number {
  switch (server.optimizer) {
    case 'fedadagrad':
      return before + square;
    case 'fedadam':
      return server.beta2 * before + (1 - server.beta2) * square;
    case 'fedyogi':
      return before - (1 - server.beta2) * square * Math.sign(before - square);
  }
}
