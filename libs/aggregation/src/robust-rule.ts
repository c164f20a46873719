/** Which robust rule a sealed round uses, from how many updates on it means something, and what it says of single updates. */
import { AggregationError } from './errors.js';

/** Bounds what `faulty` of the updates can do to the aggregate. All updates count alike: weights are claims of their senders. */
export interface RobustRule {
  readonly rule: 'median' | 'trimmed-mean' | 'multi-krum';
  /** f: how many of the updates may be arbitrary, at least 1. A trimmed mean leaves out f values at each end. */
  readonly faulty: number;
}

/** An update that has no part in the aggregate, for the ledger and for the hospital that appeals. */
export interface Exclusion {
  /** Its number, as the caller counts. */
  readonly update: number;
  readonly statistic: 'l2-norm' | 'krum-score';
  readonly value: number;
  /** What `value` was not to exceed: the bound of the plan, or the largest score that was kept. */
  readonly bound: number;
  readonly reason: string;
}

/** What a rule saw of one update that it used. Advisory: an honest hospital with other patients stands out too. */
export interface Observation {
  readonly update: number;
  /** `trimmed-share`: of the coordinates, how many had a value outside of the range that was averaged, 0 to 1. */
  readonly statistic: 'trimmed-share' | 'krum-score';
  readonly value: number;
}

const FLOORS = {
  median: (f: number) => 2 * f + 1,
  // At n = 3 a trimmed mean is the median; below 5 there is nothing to average between the ends.
  'trimmed-mean': (f: number) => Math.max(5, 2 * f + 1),
  'multi-krum': (f: number) => 2 * f + 3,
};

/** The fewest updates with which the rule withstands f of them. @throws RangeError unless f is a whole number from 1. */
export function fewestUpdates({ rule, faulty }: RobustRule): number {
  if (!Number.isSafeInteger(faulty) || faulty < 1) throw new RangeError('a robust rule withstands at least one update');
  return FLOORS[rule](faulty);
}

/** @throws {@link AggregationError} `TOO_FEW_UPDATES`. */
export function requireUpdates(rule: RobustRule, count: number): void {
  const fewest = fewestUpdates(rule);
  if (count < fewest) {
    const message = `${rule.rule} against ${rule.faulty} needs ${fewest} updates, and there are ${count}`;
    throw new AggregationError('TOO_FEW_UPDATES', message);
  }
}
