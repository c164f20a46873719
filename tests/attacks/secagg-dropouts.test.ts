/**
 * Claims, of five real hospitals at a real coordinator with a threshold of three: however many up to two go away at a stage,
 * between the record of their word and its sending, the round ends with the exact sum of those whose vectors are in it; with a
 * third one gone it ends without a head, and nobody gave a share unless a quorum had agreed. Numbers are those of the threat
 * model; 14 is the coordinator's side of what secagg-sets.test.ts shows of hospitals.
 * Oracle: FedAvg in float64 over those who must be in the sum (support/secure-siege.ts); the records on the hospitals' disks.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { SecureSiege } from '../support/secure-siege.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd', 'e'];
let siege: SecureSiege;
afterEach(() => siege.lift());

/** The last word that was recorded, and whether such a hospital's vector is in the sum. */
const STAGES = [
  ['4. before its keys are sent', 'adverted', false],
  ['4. after its keys, before its shares', 'dealt', false],
  ['5. after its shares, before its vector', 'masked', false],
  ['5. after its vector, before it agrees', 'agreed', true],
  ['5. after it agreed, before it gives shares', 'unmasked', true],
] as const;

async function begin(said: (typeof STAGES)[number][1], count: number): Promise<readonly string[]> {
  // An opening has its whole time, also where those who are left cannot be enough.
  const stageTimeoutSeconds = said === 'unmasked' && count === 3 ? 15 : 40;
  siege = await SecureSiege.lay(ALL, { secagg: { tolerated: 0, weightCap: 200, stageTimeoutSeconds } });
  const gone = ALL.slice(0, count);
  for (const name of ALL) await (gone.includes(name) ? siege.startMortal(name, said) : siege.start(name));
  return ALL.slice(count);
}

const records = async (names: readonly string[]) =>
  Promise.all(names.map(async (name) => (await siege.memoryOf(name).readSecure('test-run' as never))?.open?.said));

describe.each(STAGES)('%s', (_, said, isInSum) => {
  it.each([1, 2])('%i of five: the sum of the others is exact', async (count) => {
    const left = await begin(said, count);
    await siege.expectExact([isInSum ? ALL : left], left);
  });

  it('three of five: no sum', async () => {
    const left = await begin(said, 3);
    if (said === 'unmasked') {
      // A quorum had agreed: what was given is not given again, and the coordinator cannot open it.
      await siege.expectAborted('SUM_NOT_OPENED');
      return;
    }
    // 14. Below the threshold at this stage: the attempt is over, and another one waits for those who went away.
    await until(() => siege.state.phase === 'gathering' && siege.state.retry?.attempt === 2);
    expect(await records(left)).not.toContain('unmasked');
    await siege.consortium.conductor.accept({ type: 'stop' });
    await siege.expectAborted('STOPPED');
  });
});

it('20. an update that is not finite, or of another length, is not encoded: the coordinator sees a drop-out', async () => {
  siege = await SecureSiege.lay(ALL, { secagg: { tolerated: 0, weightCap: 200, stageTimeoutSeconds: 40 } });
  const bad = { a: new Float32Array(15).fill(NaN), b: new Float32Array(14) };
  for (const [name, update] of Object.entries(bad))
    await siege.start(name, { learner: siege.learnerOf(name, { update }) });
  for (const name of ['c', 'd', 'e']) await siege.start(name);
  await siege.expectExact([['c', 'd', 'e']], ['c', 'd', 'e']);
  expect(siege.failures.get('a')).toBeDefined();
  expect(siege.failures.get('b')).toBeDefined();
  const updates = siege.consortium.progress.flatMap((step) =>
    step.event === 'update' && step.round === 1 ? [step.hospital] : [],
  );
  expect(updates.sort()).toEqual(['c', 'd', 'e']);
});
