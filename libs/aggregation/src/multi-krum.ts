/**
 * Multi-Krum (Blanchard et al., NeurIPS 2017): the mean of the m updates that lie closest to their neighbours. m is
 * n - f - 2, the most for which resilience is shown (El Mhamdi et al., ICML 2018); larger m average more and promise less.
 */
import { type Block } from './update-blocks.js';

/** @returns For each pair i < j the squared distance at [i * n + j], and the same at [j * n + i]; float64, shape (n * n,). */
export async function squaredDistances(blocks: AsyncIterable<Block>, count: number): Promise<Float64Array> {
  const distances = new Float64Array(count * count);
  for await (const { parts } of blocks) {
    for (let i = 0; i < count; i++) {
      for (let j = i + 1; j < count; j++) {
        const more = squaredDistance(parts[i] as Float32Array, parts[j] as Float32Array);
        const sum = (distances[i * count + j] as number) + more;
        distances[i * count + j] = sum;
        distances[j * count + i] = sum;
      }
    }
  }
  return distances;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += ((a[k] as number) - (b[k] as number)) ** 2;
  return sum;
}

/** How many others count as close, and how many updates are kept. */
export const krumSize = (count: number, faulty: number): number => count - faulty - 2;

/** @returns For each update the sum of its squared distances to the n - f - 2 others that are closest to it. */
export function krumScores(distances: Float64Array, count: number, faulty: number): Float64Array {
  const scores = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const toOthers = distances.slice(i * count, (i + 1) * count).filter((_, j) => j !== i);
    scores[i] = toOthers
      .sort()
      .subarray(0, krumSize(count, faulty))
      .reduce((sum, distance) => sum + distance, 0);
  }
  return scores;
}
