/** The robust aggregates of sealed mode: someone must see single updates to leave one out. In secagg mode nobody can. */
import { medianTrim, trimmedMean } from './coordinate-rules.js';
import { krumScores, krumSize, squaredDistances } from './multi-krum.js';
import { type Exclusion, type Observation, requireUpdates, type RobustRule } from './robust-rule.js';
import { blocksOf, type StoredUpdates } from './update-blocks.js';
import { checkParameterCount } from './update.js';

export interface RobustMean {
  /** float64, shape (d,): an update like any mean, for `applyMean` and the server optimisers. */
  readonly mean: Float64Array;
  /** Numbers of the updates that the rule worked on, ascending; a trimmed mean and a median use values of each. */
  readonly used: readonly number[];
  readonly exclusions: readonly Exclusion[];
  /** One for each update that the rule worked on; none from a median. */
  readonly observations: readonly Observation[];
}

export interface RobustLimits {
  /**
   * Largest L2 norm of an update, > 0, with slack for the sender's rounding as in `UpdateLimits`. Longer ones are excluded
   * before the rule, which then needs its floor without them.
   */
  readonly maxNorm?: number;
  /** How many float32 values are held at once, of all updates together; 4 Mi unless said. Last bits of Krum scores follow it. */
  readonly heldValues?: number;
}

async function normExclusions(updates: StoredUpdates, { maxNorm, heldValues }: RobustLimits): Promise<Exclusion[]> {
  if (maxNorm === undefined) return [];
  if (!(maxNorm > 0)) throw new RangeError('maxNorm must be above zero');
  const excluded: Exclusion[] = [];
  for (let update = 0; update < updates.count; update++) {
    let squares = 0;
    for await (const { parts } of blocksOf(updates, [update], heldValues)) {
      for (const value of parts[0] as Float32Array) squares += value * value;
    }
    const value = Math.sqrt(squares);
    if (value <= maxNorm) continue;
    excluded.push({ update, statistic: 'l2-norm', value, bound: maxNorm, reason: 'longer than the plan allows' });
  }
  return excluded;
}

/**
 * @param rule - of the plan.
 * @param updates - read once for a coordinate rule, twice for multi-Krum, and once more for `maxNorm`.
 * @throws {@link AggregationError} `TOO_FEW_UPDATES`, also if too many were too long; `WRONG_LENGTH`, `NOT_FINITE`.
 * @throws RangeError for a rule or limits that no plan has.
 */
export async function robustMean(
  rule: RobustRule,
  updates: StoredUpdates,
  limits: RobustLimits = {},
): Promise<RobustMean> {
  checkParameterCount(updates.parameters);
  requireUpdates(rule, updates.count);
  const exclusions = await normExclusions(updates, limits);
  const tooLong = new Set(exclusions.map(({ update }) => update));
  const members = Array.from({ length: updates.count }, (_, update) => update).filter((update) => !tooLong.has(update));
  requireUpdates(rule, members.length);
  if (rule.rule === 'multi-krum') return multiKrum(rule.faulty, updates, members, exclusions, limits.heldValues);
  const trim = rule.rule === 'median' ? medianTrim(members.length) : rule.faulty;
  const sizes = { count: members.length, parameters: updates.parameters, trim };
  const { mean, outside } = await trimmedMean(blocksOf(updates, members, limits.heldValues), sizes);
  const observations = members.map((update, i): Observation => {
    return { update, statistic: 'trimmed-share', value: (outside[i] as number) / updates.parameters };
  });
  return { mean, used: members, exclusions, observations: rule.rule === 'median' ? [] : observations };
}

async function multiKrum(
  faulty: number,
  updates: StoredUpdates,
  members: readonly number[],
  tooLong: readonly Exclusion[],
  heldValues: number | undefined,
): Promise<RobustMean> {
  const distances = await squaredDistances(blocksOf(updates, members, heldValues), members.length);
  const scores = krumScores(distances, members.length, faulty);
  const observations = members.map((update, i): Observation => {
    return { update, statistic: 'krum-score', value: scores[i] as number };
  });
  // Of equal scores the lower number stays: sorting is stable.
  const ranked = [...observations].sort((a, b) => a.value - b.value);
  const keep = krumSize(members.length, faulty);
  const used = ranked.slice(0, keep).map(({ update }) => update);
  used.sort((a, b) => a - b);
  const bound = ranked[keep - 1]?.value ?? 0;
  const reason = 'farther from its closest others than all that were kept';
  const farther = ranked.slice(keep).map(({ update, value }): Exclusion => {
    return { update, statistic: 'krum-score', value, bound, reason };
  });
  const exclusions = [...tooLong, ...farther].sort((a, b) => a.update - b.update);
  return { mean: await plainMean(updates, used, heldValues), used, exclusions, observations };
}

async function plainMean(
  updates: StoredUpdates,
  members: readonly number[],
  heldValues: number | undefined,
): Promise<Float64Array> {
  const mean = new Float64Array(updates.parameters);
  for await (const { from, parts } of blocksOf(updates, members, heldValues)) {
    for (const part of parts)
      for (let k = 0; k < part.length; k++) mean[from + k] = (mean[from + k] as number) + (part[k] as number);
  }
  return mean.map((sum) => sum / members.length);
}
