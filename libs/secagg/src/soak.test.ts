/**
 * Claims (30 of privacy.md G): over many rounds in which a fifth of the hospitals goes at random stages, every round that
 * completes gives the exact sum of its survivors, and nobody ever gives shares of both kinds for one hospital, whatever they
 * are put together from; a round with too many gone ends before any share is given.
 * Oracle: the weighted mean in float64 of the contributions of those whose vectors are in the sum.
 *
 * 25 hospitals and 6 rounds by default; 200 and 20, which takes a quarter of an hour, with CONSILIUM_FAULTS=all.
 */
import { SeededRandom } from '@consilium/tensors';
import { expect, it } from 'vitest';
import { closeAgreement } from './coordinator.js';
import type { Unmask } from './messages.js';
import { recordCompleted } from './record.js';
import { actors, Rehearsal, sampleContribution } from './rehearsal.js';

const [HOSPITALS, ROUNDS] = process.env['CONSILIUM_FAULTS'] === 'all' ? [200, 20] : [25, 6];
const PARAMETERS = 50;
const STAGES = ['shares', 'masked', 'agree', 'unmask'] as const;

function expectedMean(xs: readonly number[]): { mean: number[]; weight: number } {
  const parts = xs.map((x) => sampleContribution(x, PARAMETERS));
  const weight = parts.reduce((sum, { examples }) => sum + examples, 0);
  const mean = Array.from({ length: PARAMETERS }, (_, k) =>
    parts.reduce((sum, { update, examples }) => sum + (examples / weight) * (update[k] ?? NaN), 0),
  );
  return { mean, weight };
}

function expectOneKindEach(replies: readonly Unmask[]): void {
  const seeds = new Set(replies.flatMap(({ selfSeeds }) => selfSeeds.map(({ x }) => x)));
  const keys = replies.flatMap(({ maskKeys }) => maskKeys.map(({ x }) => x));
  expect(keys.filter((x) => seeds.has(x))).toEqual([]);
}

it('30. is exact in every round that completes, with a fifth gone at random stages', { timeout: 3_600_000 }, () => {
  const random = new SeededRandom('secagg soak');
  const all = actors(HOSPITALS);
  const places = new Set<string>();
  for (let number = 1; number <= ROUNDS; number++) {
    const away = { shares: [] as number[], masked: [] as number[], agree: [] as number[], unmask: [] as number[] };
    const leaving = new Set<number>();
    while (leaving.size < HOSPITALS / 5) leaving.add(1 + random.integer(HOSPITALS));
    for (const x of leaving) {
      const stage = STAGES[random.integer(STAGES.length)] ?? 'shares';
      places.add(stage);
      away[stage].push(x);
    }
    const round = new Rehearsal(all, { round: number, parameters: PARAMETERS });
    const { request, agreed } = round.toRequest(away);
    const replies = agreed.filter(({ x }) => !away.unmask.includes(x)).map((actor) => round.unmask(actor, request));
    expectOneKindEach(replies);
    const { decoded } = round.open(replies).keep;
    const survivors = all.map(({ x }) => x).filter((x) => ![...away.shares, ...away.masked].includes(x));
    const { mean, weight } = expectedMean(survivors);
    expect([decoded.hospitals, decoded.weight]).toEqual([survivors.length, weight]);
    const { clipNorm, zMax, weightCap } = round.plan.body;
    // One unit of the ring for each hospital, at its mean weight.
    const unit = (Number(clipNorm) * weightCap * survivors.length) / ((zMax - 2) * weight);
    expect(Math.max(...mean.map((value, k) => Math.abs(value - (decoded.mean[k] ?? NaN))))).toBeLessThan(unit);
    for (const actor of all) actor.record = recordCompleted(actor.record, number);
  }
  expect(places.size).toBe(STAGES.length);
});

it('30. ends before any share is given when too many are gone', () => {
  const all = actors(HOSPITALS);
  const round = new Rehearsal(all, { parameters: PARAMETERS });
  const { threshold } = round.plan.body;
  round.toSum();
  const survivors = round.survivors();
  const agrees = all.slice(0, threshold - 1).map((actor) => round.agree(actor, survivors));
  expect(() => closeAgreement(round.surviving, agrees)).toThrow(expect.objectContaining({ code: 'TOO_FEW' }) as Error);
});
