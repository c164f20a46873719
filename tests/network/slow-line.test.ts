/**
 * Claims: over a line of 400 ms there and back, that is cut for everybody in the middle of a secure round and stands still for
 * seconds in the next, nobody drops out, and every hospital ends with the exact head. Packet loss is not tried here: it needs
 * `tc netem` (namespaces.test.ts), which not every kernel has. Oracle: FedAvg in float64.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { SecureSiege } from '../support/secure-siege.js';
import { until } from '../support/until.js';
import { SlowProxy } from './slow-proxy.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const ALL = ['a', 'b', 'c', 'd'];
const DELAY_MS = 200;
const STILL_MS = 3_000;
let siege: SecureSiege | undefined;
let line: SlowProxy | undefined;
afterEach(async () => {
  await siege?.lift();
  await line?.close();
});

it('a secure run comes to its end over a long line that is cut and stands still', async () => {
  const here = (siege = await SecureSiege.lay(ALL, { rounds: 2, absenceGraceSeconds: 60 }));
  const slow = (line = await SlowProxy.open(here.consortium.coordinator.url, DELAY_MS));
  for (const name of ALL) await here.start(name, { url: slow.url });
  const { progress } = here.consortium;
  await until(() => progress.some((step) => step.event === 'stage' && step.round === 1));
  expect(slow.connections).toBe(ALL.length);
  slow.cut();
  await until(() => progress.some((step) => step.event === 'round-done' && step.round === 1));
  slow.standStill(STILL_MS);
  await here.expectExact([ALL, ALL], ALL);
  expect(slow.connections).toBeGreaterThanOrEqual(2 * ALL.length);
});
