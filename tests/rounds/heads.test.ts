/**
 * Claims: (1) an mlp head and heads of many chunks end with the exact weighted mean, bit for bit; (2) hospitals weigh by
 * their examples, from 1 to the most that a statement may name; (3) a connection that is cut while an update goes up, or
 * while a head comes down, is taken up where it ended, and changes nothing in the result.
 * Oracle: the weighted mean of tests/support/expected-head.ts; for (3) the bytes that passed the cut network.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import { limits } from '@consilium/protocol';
import type { RunFile } from '@consilium/coordinator';
import { floatBytes } from '@consilium/tensors';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { expectedHead, waveUpdate, type Part } from '../support/expected-head.js';
import { TcpProxy } from '../support/tcp-proxy.js';

let consortium: Consortium | undefined;
let proxy: TcpProxy | undefined;
afterEach(async () => {
  await consortium?.dismantle();
  await proxy?.close();
  proxy = undefined;
});

/** Runs all hospitals to the end and compares every head. @param through - a way to the coordinator that fails. */
async function runAll(
  spec: HeadSpec,
  examples: readonly number[],
  changes: Partial<RunFile>,
  through?: (coordinatorUrl: string) => Promise<string>,
): Promise<void> {
  const names = ['a', 'b', 'c'].slice(0, examples.length);
  const parts = examples.map((n, k): Part => ({ examples: n, update: waveUpdate(k, parameterCount(spec)) }));
  const head = spec.kind === 'linear' ? { kind: spec.kind } : { kind: spec.kind, hidden: spec.hidden };
  consortium = await convene(names, {
    embeddingLength: spec.inputs,
    head,
    roundTimeoutSeconds: 60,
    clipNorm: 1_000_000,
    ...changes,
  });
  const here = consortium;
  const url = through === undefined ? here.coordinator.url : await through(here.coordinator.url);
  const outcomes = parts.map((part, k) =>
    // The first hospital alone goes through the network that fails.
    here.join(names[k] ?? '', knownLearner(part.examples, part.update, spec.inputs), k === 0 ? { url } : {}),
  );
  expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
  const rounds = here.progress.filter((step) => step.event === 'round-done');
  expect(rounds.map(({ missing }) => missing)).toEqual(rounds.map(() => []));
  const expected = expectedHead(
    spec,
    rounds.map(() => parts),
  );
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.ended !== 'finished') throw new Error(`ended as ${outcome.ended}`);
    // By their bytes: to print how 100,000 numbers differ takes a test runner minutes.
    expect(Buffer.compare(floatBytes(outcome.model ?? new Float32Array()), floatBytes(expected))).toBe(0);
  }
}

describe('heads', () => {
  it('an mlp ends with the exact mean', async () => {
    await runAll({ kind: 'mlp', inputs: 4, hidden: 5, classes: 3 }, [7, 100, 31], { rounds: 3 });
  });

  it('hospitals weigh by their examples, from one to the most that can be claimed', async () => {
    await runAll({ kind: 'linear', inputs: 4, classes: 3 }, [1, 100_000_000, 100_000_000], { rounds: 1 });
  });
});

describe('a head of several chunks', () => {
  const spec = { kind: 'mlp', inputs: 4_096, hidden: 64, classes: 3 } as const;
  const blobBytes = 4 * parameterCount(spec);

  it('ends with the exact mean', async () => {
    expect(blobBytes).toBeGreaterThan(4 * limits.chunkBytes);
    await runAll(spec, [7, 100], { rounds: 2 });
  });

  it('ends with the exact mean when the line is cut in the middle of an upload, which goes on where it ended', async () => {
    const cutAfter = 2.5 * limits.chunkBytes;
    await runAll(spec, [7, 100], { rounds: 1, absenceGraceSeconds: 60 }, async (coordinatorUrl) => {
      proxy = await TcpProxy.open(coordinatorUrl);
      proxy.cutOnceAfter('up', cutAfter);
      return proxy.url;
    });
    const [first, second, ...more] = proxy?.connections ?? [];
    expect(more).toEqual([]);
    expect(first?.up).toBeGreaterThanOrEqual(cutAfter);
    // Two whole chunks had arrived; all statements and frames together are far below one chunk.
    expect(second?.up).toBeLessThan(blobBytes - limits.chunkBytes);
    expect(second?.up).toBeGreaterThan(limits.chunkBytes);
  });

  it('ends with the exact mean when the line is cut while the new head comes down', async () => {
    await runAll(spec, [7, 100], { rounds: 2, absenceGraceSeconds: 60 }, async (coordinatorUrl) => {
      proxy = await TcpProxy.open(coordinatorUrl);
      proxy.cutOnceAfter('down', 1.5 * limits.chunkBytes);
      return proxy.url;
    });
    expect(proxy?.connections).toHaveLength(2);
  });
});
