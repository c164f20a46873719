/** How hospitals like the head of each round, out of the evaluations that they signed; mode sealed. */
import { SMALL_CELL_EXAMPLES, type GlobalFigures, type HospitalFigures, type RoundDone } from '@consilium/operator-api';
import { parseUnverified } from '@consilium/protocol';
import type { SummedFigures } from '@consilium/rounds';
import type { RunStore } from '@consilium/store';

/** By round. The last word of a hospital about a round is the only one that the machine has heard. */
export type FiguresByRound = ReadonlyMap<number, readonly HospitalFigures[]>;

export async function readFigures(store: Pick<RunStore, 'documents'>, runId: string): Promise<FiguresByRound> {
  const all = new Map<number, HospitalFigures[]>();
  for await (const { body } of store.documents(runId, 'evaluation')) {
    // Its signature was checked before it was stored.
    const { round, from, scores } = parseUnverified('evaluation', JSON.parse(body)).body;
    if (scores === null) continue;
    const { examples, loss, accuracy, balancedAccuracy, auc } = scores;
    const ofRound = all.get(round) ?? [];
    all.set(round, ofRound);
    if (ofRound.some(({ hospital }) => hospital === from)) continue;
    ofRound.push({
      ...{ hospital: from, examples, loss: Number(loss), accuracy: Number(accuracy) },
      balancedAccuracy: Number(balancedAccuracy),
      auc: auc === null ? null : Number(auc),
    });
  }
  return all;
}

/** What is shown of a round's evaluations: the mean of all, and each hospital's own unless a patient could be guessed from it. */
export function shownFigures(all: readonly HospitalFigures[]): RoundDone['figures'] {
  const bySize = all.toSorted((a, b) => a.examples - b.examples);
  const small = bySize.filter(({ examples }) => examples < SMALL_CELL_EXAMPLES).length;
  // One hidden hospital could be computed from the mean and the others: the next smallest is hidden with it.
  const hidden = bySize.slice(0, small === 1 ? 2 : small);
  return {
    global: meanOf(all),
    hospitals: bySize.slice(hidden.length).sort((a, b) => (a.hospital < b.hospital ? -1 : 1)),
    suppressed: hidden.map(({ hospital }) => hospital).sort(),
  };
}

/** What is shown where only sums are known: no hospital's own figures. @param hospitals - in the round. */
export function summedFigures(figures: SummedFigures | undefined, hospitals: number): RoundDone['figures'] {
  return { global: figures === undefined ? null : { hospitals, ...figures }, hospitals: null, suppressed: [] };
}

function meanOf(all: readonly HospitalFigures[]): GlobalFigures | null {
  if (all.length === 0) return null;
  const mean = (of: readonly HospitalFigures[], value: (one: HospitalFigures) => number): number => {
    const examples = of.reduce((sum, one) => sum + one.examples, 0);
    return of.reduce((sum, one) => sum + one.examples * value(one), 0) / examples;
  };
  const withAuc = all.filter(({ auc }) => auc !== null);
  return {
    hospitals: all.length,
    examples: all.reduce((sum, { examples }) => sum + examples, 0),
    loss: mean(all, ({ loss }) => loss),
    accuracy: mean(all, ({ accuracy }) => accuracy),
    balancedAccuracy: mean(all, ({ balancedAccuracy }) => balancedAccuracy),
    auc: withAuc.length === 0 ? null : mean(withAuc, ({ auc }) => auc ?? 0),
  };
}
