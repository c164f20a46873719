/** FedAvg written out, as the oracle of whole runs: float64 sums in hospital order, one rounding to float32 a round. */
import { initialParameters, type HeadSpec } from '@consilium/model-spec';

export interface Part {
  readonly examples: number;
  readonly update: (round: number) => Float32Array;
}

/** @param rounds - who was in each round, in hospital order. */
export function expectedHead(spec: HeadSpec, rounds: readonly (readonly Part[])[]): Float32Array {
  const head = initialParameters(spec, 'consilium');
  rounds.forEach((parts, index) => {
    const total = parts.reduce((sum, { examples }) => sum + examples, 0);
    const updates = parts.map(({ examples, update }) => ({ examples, values: update(index + 1) }));
    for (let k = 0; k < head.length; k++) {
      let sum = 0;
      for (const { examples, values } of updates) sum += examples * (values[k] ?? NaN);
      head[k] = (head[k] ?? NaN) + sum / total;
    }
  });
  return head;
}

/** Differs by hospital, round and coordinate, and has no exact float32 sum. */
export const waveUpdate =
  (hospital: number, length: number) =>
  (round: number): Float32Array =>
    Float32Array.from({ length }, (_, k) => Math.fround(Math.sin(hospital * 100 + round * 10 + k) / 3));
