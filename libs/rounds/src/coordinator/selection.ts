/** Which round's model is the best, by what hospitals said of it on their own held-out parts. */
import type { HospitalId } from '@consilium/protocol';
import type { CoordinatorState, RunRules, Score } from './state.js';

/** Mean of the hospitals' values, weighted by their examples. */
function federatedScore(scores: ReadonlyMap<HospitalId, Score>): number {
  // In hospital order, so that a replay on another machine adds in the same order.
  const sorted = [...scores].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, score]) => score);
  const total = sorted.reduce((sum, { examples }) => sum + examples, 0);
  return sorted.reduce((sum, { examples, value }) => sum + examples * value, 0) / total;
}

type Scores = Pick<CoordinatorState, 'scores' | 'summedScores'>;

/** Of each evaluated round, in their order: averaged here, or summed where nobody sees one hospital's. */
const scored = ({ scores, summedScores }: Scores): [round: number, score: number][] =>
  [
    ...[...scores].map(([round, ofRound]): [number, number] => [round, federatedScore(ofRound)]),
    ...[...summedScores].map(([round, { value }]): [number, number] => [round, value]),
  ].sort(([a], [b]) => a - b);

/** @returns The round with the largest federated score, the earliest of equals; undefined if none was evaluated. */
export function bestRound(scores: Scores): number | undefined {
  let best: { readonly round: number; readonly score: number } | undefined;
  for (const [round, score] of scored(scores)) {
    if (best === undefined || score > best.score) best = { round, score };
  }
  return best?.round;
}

/** Whether the best of the evaluated rounds lies `patienceRounds` or more of them back. */
export function noLongerImproves({ patienceRounds }: RunRules, scores: Scores): boolean {
  const best = bestRound(scores);
  if (patienceRounds === undefined || best === undefined) return false;
  return scored(scores).filter(([round]) => round > best).length >= patienceRounds;
}
