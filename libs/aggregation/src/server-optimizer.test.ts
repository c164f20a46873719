/**
 * Claims: (1) each optimiser equals Algorithm 2 of Reddi et al. (momentum: Hsu et al.) over several rounds: moments to 1e-12,
 * heads to the bit; (2) it equals Flower's strategy where Flower starts its second moment, and scales FedAdam's step,
 * otherwise than the paper: given that start and that step; (3) fedavg with a rate of 1 is applyMean, bit for bit;
 * (4) momentum 0 is fedavg, adagrad's second moment never falls, no second moment falls below zero; (5) nothing given is
 * modified; (6) a wrong length and a head that leaves float32 are refused.
 * Oracle: NumPy and Flower (vectors/server_optimizers.py).
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AggregationError,
  applyMean,
  momentCount,
  startMoments,
  stepServer,
  type ServerMoments,
  type ServerOptimizer,
} from './index.js';

interface Golden {
  readonly start: number[];
  readonly means: number[][];
  readonly cases: { readonly server: ServerOptimizer; readonly rounds: { head: number[]; moments: number[][] }[] }[];
  readonly flower: { readonly server: ServerOptimizer; readonly steps: number[][] }[];
}
const golden = JSON.parse(
  readFileSync(new URL('../vectors/server-optimizers.json', import.meta.url), 'utf8'),
) as Golden;

const nameOf = (server: ServerOptimizer): string =>
  Object.values(server)
    .map((value) => String(value))
    .join(' ');

/** The largest relative difference; where one side is 0, the absolute one. */
const apart = (ours: ArrayLike<number>, theirs: readonly number[]): number =>
  Math.max(
    ...theirs.map((value, k) => {
      const size = Math.max(Math.abs(value), Math.abs(ours[k] ?? NaN));
      return size === 0 ? 0 : Math.abs((ours[k] ?? NaN) - value) / size;
    }),
  );

describe('against NumPy, from the papers', () => {
  it.each(golden.cases.map((one) => [nameOf(one.server), one] as const))('%s', (_, { server, rounds }) => {
    let head: Float32Array = Float32Array.from(golden.start);
    let moments = startMoments(server, head.length);
    expect(moments).toHaveLength(momentCount(server));
    rounds.forEach((expected, round) => {
      ({ head, moments } = stepServer(server, head, Float64Array.from(golden.means[round] ?? []), moments));
      expect([...head], `head of round ${round + 1}`).toEqual(expected.head);
      expected.moments.forEach((moment, k) => {
        expect(apart(moments[k] ?? [], moment), `moment ${k} of round ${round + 1}`).toBeLessThan(1e-12);
      });
    });
  });
});

describe("against Flower's strategies", () => {
  it.each(golden.flower.map((one) => [nameOf(one.server), one] as const))('%s', (_, { server, steps }) => {
    const zero = new Float32Array(golden.start.length);
    let moments: ServerMoments = startMoments(server, zero.length).map(({ length }) => new Float64Array(length));
    steps.forEach((expected, index) => {
      const t = index + 2;
      const scale = server.optimizer === 'fedadam' ? Math.sqrt(1 - server.beta2 ** t) / (1 - server.beta1 ** t) : 1;
      const scaled = { ...server, learningRate: server.learningRate * scale };
      const step = stepServer(scaled, zero, Float64Array.from(golden.means[index] ?? []), moments);
      // Half a unit in the last place of float32, which the head is.
      expect(apart(step.head, expected), `step ${index + 1}`).toBeLessThan(2 ** -24);
      moments = step.moments;
    });
  });

  it('is another rule without these two changes', () => {
    const adam = golden.flower.find(({ server }) => server.optimizer === 'fedadam');
    if (adam === undefined) throw new Error('no vector of FedAdam');
    const zero = new Float32Array(golden.start.length);
    const mean = Float64Array.from(golden.means[0] ?? []);
    const { head } = stepServer(adam.server, zero, mean, startMoments(adam.server, zero.length));
    expect(apart(head, adam.steps[0] ?? [])).toBeGreaterThan(0.01);
  });
});

const d = 6;
const rate = fc.double({ min: 0.001, max: 2, noNaN: true });
const decay = fc.double({ min: 0, max: 0.999, noNaN: true });
const tau = fc.double({ min: 1e-9, max: 0.1, noNaN: true });
const adaptive = { learningRate: rate, beta1: decay, beta2: decay, tau };
const server: fc.Arbitrary<ServerOptimizer> = fc.oneof(
  fc.record({ optimizer: fc.constant('fedavg' as const), learningRate: rate }),
  fc.record({ optimizer: fc.constant('fedavgm' as const), learningRate: rate, momentum: decay }),
  fc.record({ optimizer: fc.constant('fedadagrad' as const), learningRate: rate, beta1: decay, tau }),
  fc.record({ optimizer: fc.constant('fedadam' as const), ...adaptive }),
  fc.record({ optimizer: fc.constant('fedyogi' as const), ...adaptive }),
);
const vector = fc
  .array(fc.double({ min: -1_000, max: 1_000, noNaN: true }), { minLength: d, maxLength: d })
  .map((values) => Float64Array.from(values));
const head = vector.map((values) => Float32Array.from(values));
const means = fc.array(vector, { minLength: 1, maxLength: 5 });

describe('for any mean updates', () => {
  it('fedavg with a rate of 1 is applyMean, bit for bit', () => {
    fc.assert(
      fc.property(head, vector, (before, mean) => {
        const after = stepServer({ optimizer: 'fedavg', learningRate: 1 }, before, mean, []);
        expect([...after.head]).toEqual([...applyMean(before, mean)]);
        expect(after.moments).toEqual([]);
      }),
    );
  });

  it('momentum 0 is fedavg', () => {
    fc.assert(
      fc.property(head, means, rate, (before, all, learningRate) => {
        let plain: Float32Array = before;
        const rules: ServerOptimizer = { optimizer: 'fedavgm', learningRate, momentum: 0 };
        let heavy: ReturnType<typeof stepServer> = { head: before, moments: startMoments(rules, d) };
        for (const mean of all) {
          plain = stepServer({ optimizer: 'fedavg', learningRate }, plain, mean, []).head;
          heavy = stepServer(rules, heavy.head, mean, heavy.moments);
        }
        // But for the sign of a zero: 0 times the moment is added here.
        expect(heavy.head.map((value) => value + 0)).toEqual(plain.map((value) => value + 0));
      }),
    );
  });

  it('second moments stay at or above zero, and that of adagrad never falls', () => {
    fc.assert(
      fc.property(server, means, (rules, all) => {
        fc.pre('tau' in rules);
        let moments = startMoments(rules, d);
        for (const mean of all) {
          const next = stepServer(rules, new Float32Array(d), mean, moments).moments;
          next[1]?.forEach((value, k) => {
            expect(value).toBeGreaterThanOrEqual(0);
            if (rules.optimizer === 'fedadagrad') expect(value).toBeGreaterThanOrEqual(moments[1]?.[k] ?? NaN);
          });
          moments = next;
        }
      }),
    );
  });

  it('nothing given is modified, and the same again gives the same bits', () => {
    fc.assert(
      fc.property(server, head, means, (rules, before, [mean = new Float64Array(d)]) => {
        const moments = startMoments(rules, d);
        const copies = [before, mean, ...moments].map((values) => [...values]);
        const once = stepServer(rules, before, mean, moments);
        expect([before, mean, ...moments].map((values) => [...values])).toEqual(copies);
        expect(stepServer(rules, before, mean, moments)).toEqual(once);
      }),
    );
  });
});

describe('refuses', () => {
  const adam: ServerOptimizer = { optimizer: 'fedadam', learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001 };
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof AggregationError) return error.code;
      throw error;
    }
    return 'accepted';
  };

  it.each([
    [
      'a mean of another length',
      () => stepServer(adam, new Float32Array(3), new Float64Array(2), startMoments(adam, 3)),
    ],
    [
      'moments of another length',
      () => stepServer(adam, new Float32Array(3), new Float64Array(3), startMoments(adam, 2)),
    ],
    ['moments of another optimiser', () => stepServer(adam, new Float32Array(3), new Float64Array(3), [])],
  ])('%s', (_, run) => {
    expect(codeOf(run)).toBe('WRONG_LENGTH');
  });

  it.each([1e39, NaN, Infinity])('a mean of %d', (value) => {
    const plain: ServerOptimizer = { optimizer: 'fedavg', learningRate: 1 };
    expect(codeOf(() => stepServer(plain, new Float32Array(1), Float64Array.of(value), []))).toBe('NOT_FINITE');
  });
});
