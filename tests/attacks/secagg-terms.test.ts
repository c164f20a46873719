/**
 * Claims, of real hospitals against a coordinator that plans a secure round with other terms than the configuration has that
 * they consented to, or that lets two hospitals be a sum: no hospital trains for such a plan, the field is named, and nobody
 * agrees to a sum of two, whatever the coordinator signed.
 * Oracle: each plan differs in the one field, and is safe by itself (libs/secagg takes it); the same without the change is
 * led to its sum in secagg-sets.test.ts.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeProgress } from '@consilium/hospital';
import type { RunConfig, Statement } from '@consilium/protocol';
import { checkPlan } from '@consilium/secagg';
import { LyingCoordinator } from '../support/lying-coordinator.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
let lying: LyingCoordinator;
afterEach(() => lying.dismiss());

type Plan = Statement<'secagg-plan'>;
const [FIRST, SECOND] = [0, 1];

describe('a plan with another', () => {
  const secagg = { tolerated: 1, weightCap: 100, zMax: 2 ** 20, stageTimeoutMs: 60_000 };

  it.each<[string, (plan: Plan) => Partial<Plan>, Partial<RunConfig>?]>([
    ['tolerated', () => ({ tolerated: 0 })],
    ['tolerated', () => ({ tolerated: 2, threshold: 4 })],
    ['weightCap', () => ({ weightCap: 101 })],
    ['zMax', () => ({ zMax: 2 ** 20 - 1 })],
    ['weighting', () => ({ weighting: 'uniform' }), { secagg: { ...secagg, weightCap: 1 } }],
    ['clipNorm', () => ({ clipNorm: '200' })],
    ['minCohort', () => ({ minCohort: 2 })],
    ['parameters', () => ({ parameters: 14 })],
    ['parameters', () => ({ purpose: 'evaluate' })],
    ['metrics', ({ metrics }) => ({ metrics: metrics.slice(1) })],
    ['metrics', ({ metrics }) => ({ metrics: metrics.slice(0, -1) })],
    ['metrics', ({ metrics }) => ({ metrics: [...metrics, { name: 'patients', max: 9 }] })],
    ['metrics', ({ metrics }) => ({ metrics: metrics.with(FIRST, { name: 'of-one', max: metrics[FIRST]?.max ?? 1 }) })],
    ['metrics', ({ metrics }) => ({ metrics: metrics.with(SECOND, { name: metrics[SECOND]?.name ?? '', max: 1 }) })],
    ['roster', ({ roster }) => ({ roster: roster.slice(0, 3), minCohort: 3 }), { minHospitals: 4 }],
  ])('%s is refused by every hospital before it trains (%#)', async (field, change, config = {}) => {
    lying = await LyingCoordinator.summon(ALL, { config: { secagg, ...config } });
    const plan = lying.planBody();
    const lie = lying.planBody(change(plan));
    expect(() => checkPlan(lying.sign('secagg-plan', lie))).not.toThrow();
    lying.tell('secagg-plan', lie);
    const told = lie.roster.map(({ hospitalId }) => hospitalId as string);
    await until(() => lying.trained.length > 0 || told.every((name) => lying.outcomes.has(name)));
    expect(lying.trained).toEqual([]);
    for (const name of told) {
      expect(await lying.refusalOf(name)).toBe('PLAN_UNSAFE');
      expect(lying.detailOf(name)).toContain(`another ${field} than`);
    }
  });
});

describe('a sum of two, of which each knows the other’s update', () => {
  it.each(['roster', 'deliver', 'survivors'] as const)(
    'is not made at %s, although t = 2 and the coordinator signed minHospitals: 2',
    async (stage) => {
      const secagg = { tolerated: 0, weightCap: 100, zMax: 2 ** 20, stageTimeoutMs: 60_000 };
      lying = await LyingCoordinator.summon(ALL.slice(0, 3), { config: { minHospitals: 2, secagg } });
      expect(lying.plan().body).toMatchObject({ threshold: 2, minCohort: 2 });
      const due = await lying.due(stage);
      const two = Object.fromEntries(
        Object.entries(due).map(([name, value]: [string, unknown]) => [
          name,
          Array.isArray(value) ? value.slice(0, 2) : value,
        ]),
      );
      lying.tell(stage, two as never, ['a', 'b']);
      const next = { roster: 'shares', deliver: 'masked', survivors: 'agree' } as const;
      await until(() => lying.wordsOf(next[stage]).length > 0 || ['a', 'b'].every((name) => lying.outcomes.has(name)));
      for (const name of ['a', 'b']) expect(await lying.refusalOf(name)).toBe('TOO_FEW');
      expect(lying.wordsOf(next[stage])).toEqual([]);
    },
  );
});

it('a configuration that tolerates fewer than usual says so at every hospital, before it sends anything', async () => {
  const said: string[] = [];
  const secagg = { tolerated: 0, weightCap: 100, zMax: 2 ** 20, stageTimeoutMs: 60_000 };
  const progress = (step: NodeProgress): void => {
    if (step.event === 'who-sees') said.push(...step.lines);
  };
  lying = await LyingCoordinator.summon(ALL, { config: { secagg }, node: { progress } });
  const guarantee = said.filter((line) => line.startsWith('c = 0 of 4 hospitals may collude'));
  expect(guarantee).toHaveLength(ALL.length);
  expect(guarantee[0]).toMatch(/FEWER THAN THE USUAL 1.*t = 3/);
});
