/** What a run comes to in some numbers. Pure. */
import type { RoundDone, RunDetail } from '@consilium/operator-api';

export interface RunFigures {
  readonly best: { readonly round: number; readonly value: number } | null;
  readonly dropouts: number;
  readonly medianSeconds: number | null;
  readonly bytes: number;
}

export function factsOf({ history, bestRound }: Pick<RunDetail, 'history' | 'bestRound'>): RunFigures {
  const best = history.find(({ round }) => round === bestRound);
  return {
    best: best?.score == null ? null : { round: best.round, value: best.score.value },
    dropouts: history.reduce((sum, { missing }) => sum + missing.length, 0),
    medianSeconds: median(history.map(({ seconds }) => seconds)),
    bytes: history.reduce((sum, round) => sum + round.bytes, 0),
  };
}

/** Of an even number of values the mean of the two in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}

export const METRICS = ['balancedAccuracy', 'auc', 'accuracy', 'loss'] as const;
export type Metric = (typeof METRICS)[number];

export const isMetric = (name: string): name is Metric => (METRICS as readonly string[]).includes(name);

/** One value for each round; null where a round was not evaluated, or the figure is not known. */
export const globalCourse = (history: readonly RoundDone[], metric: Metric): (number | null)[] =>
  history.map(({ figures }) => figures.global?.[metric] ?? null);

/** Hospitals whose figures are visible, each with one value for each round. */
export function hospitalCourses(
  history: readonly RoundDone[],
  metric: Metric,
): { readonly hospital: string; readonly values: readonly (number | null)[] }[] {
  const courses = new Map<string, (number | null)[]>();
  for (const [index, { figures }] of history.entries()) {
    for (const one of figures.hospitals ?? []) {
      const values = courses.get(one.hospital) ?? history.map(() => null);
      values[index] = one[metric];
      courses.set(one.hospital, values);
    }
  }
  return [...courses.keys()].sort().map((hospital) => ({ hospital, values: courses.get(hospital) ?? [] }));
}

/** Hospitals that were left out of a table, because so few images were held out that each might be one patient's. */
export const suppressedIn = (history: readonly RoundDone[]): string[] => [
  ...new Set(history.flatMap(({ figures }) => figures.suppressed)),
];

export interface Contribution {
  readonly rounds: number;
  /** Rounds that were led so far. */
  readonly of: number;
}

/** In how many rounds each hospital of the roster was averaged. */
export function contributions({
  hospitals,
  history,
}: Pick<RunDetail, 'hospitals' | 'history'>): ReadonlyMap<string, Contribution> {
  return new Map(
    hospitals.map(({ id }) => [
      id,
      {
        rounds: history.filter(({ updates }) => updates.some(({ hospital }) => hospital === id)).length,
        of: history.length,
      },
    ]),
  );
}
