/**
 * Claims, for a hospital in a run of either mode whose coordinator says things that are altered, before or after they were
 * signed with the key that the hospital trusts, and whose answers are altered as well: (1) it goes on, leaves by its own
 * decision with a code, or can be stopped: it never fails with an error that nobody foresaw; (2) its memory does not grow
 * with them; (3) the others end with the mean of those who were counted, or the run says why not.
 * An exception that nobody caught, in a callback or a promise, fails the run: vitest counts it.
 * Oracle: FedAvg written out; what the process still holds. A failure names its seed.
 *
 * Two runs for each name by default, 100 with CONSILIUM_FAULTS=all.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Json } from '@consilium/bytes';
import { openHome } from '@consilium/coordinator';
import { verifyStrict } from '@consilium/crypto';
import { openStatement, ProtocolError, type Pushed, type PushedName } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, describe, expect, it } from 'vitest';
import { expectMean } from './counted-mean.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { liveBytes } from '../support/live-bytes.js';
import { mutated, mutatedWithin } from '../support/mutations.js';
import { tappedNetwork } from '../support/tapped-network.js';
import { until } from '../support/until.js';
import { bytesOf, partOf } from './stage.js';

const RUNS = process.env['CONSILIUM_FAULTS'] === 'all' ? 100 : 2;
const HOSPITALS = ['a', 'b', 'c', 'd', 'e'];
const VICTIM = 'e';
/** Of each statement, with a signature that its alteration broke. */
const BROKEN_MUTANTS = 20;
const GROWTH_BYTES = 60 * 1_048_576;
/** After this it is stopped: long enough for it to do what an altered statement makes it do. */
const MISLED_MS = 1_000;
const ENDS = ['finished', 'aborted', 'refused-here', 'refused-there', 'stopped'];

let consortium: Consortium | undefined;
afterEach(async () => {
  await consortium?.dismantle();
  consortium = undefined;
});

const NAMES = {
  sealed: ['run-config', 'plan', 'aggregate', 'run-end'],
  secagg: ['run-config', 'secagg-plan', 'roster', 'deliver', 'survivors', 'unmask-request', 'secagg-aggregate'],
} satisfies Record<string, readonly PushedName[]>;

/** Lets the victim hear an altered statement of that name, or answers only, and then the true ones. */
async function play(mode: 'sealed' | 'secagg', target: PushedName | 'answers', seed: string): Promise<void> {
  const here = (consortium = await convene(HOSPITALS, {
    ...{ mode, rounds: 2, minHospitals: 3, absenceGraceSeconds: 0.05 },
    ...{ gatherTimeoutSeconds: 300, roundTimeoutSeconds: 300 },
    ...(mode === 'secagg' && { clipNorm: 2, secagg: { weightCap: 200, stageTimeoutSeconds: 300 } }),
  }));
  const { identity } = await openHome(join(here.directory, 'coordinator'));
  const verify = (bytes: Uint8Array, signature: Uint8Array): boolean =>
    verifyStrict(identity.publicKey, bytes, signature);
  const random = new SeededRandom(seed);
  let isAltered = false;
  /** One of the first answers is altered in any case: how many there are depends on the network. */
  let answersBefore = random.integer(4);
  /** Altered so that the hospital opens it. */
  const believed = (said: Pushed): unknown => {
    isAltered = true;
    for (;;) {
      const mutant = mutatedWithin(said, random, identity) as Pushed;
      try {
        const { digest } = openStatement(mutant.name, mutant.envelope, verify);
        if (digest !== openStatement(said.name, said.envelope, verify).digest) return mutant;
      } catch {
        // Of those there are enough as well.
      }
    }
  };
  const network = tappedNetwork({
    told: (input, tell) => {
      for (let k = 0; k < BROKEN_MUTANTS; k++) tell(mutated(input as Json, random));
      if ((input as Pushed).name === target && !isAltered) tell(believed(input as Pushed));
      tell(input);
    },
    answered: (name, answer) => {
      if (target === 'answers') {
        const isWord = name !== 'hello' && name !== 'prove';
        const isDue = isWord && (answersBefore-- === 0 || random.integer(4) === 0);
        isAltered ||= isDue;
        return isDue ? mutated(answer as Json, random) : answer;
      }
      const { statements } = answer as { readonly statements?: readonly Pushed[] };
      const said = name === 'sync' ? statements?.find((statement) => statement.name === target) : undefined;
      return said === undefined || isAltered
        ? answer
        : { ok: true, statements: [believed(said), ...(statements ?? [])] };
    },
  });
  let failure: unknown;
  const outcomes = HOSPITALS.map(async (hospital, k) => {
    const { examples, update } = partOf(k);
    const isVictim = hospital === VICTIM;
    const node = await here.node(hospital, knownLearner(examples, update), {
      modes: [mode],
      ...(isVictim && { network }),
    });
    const outcome = node.run();
    if (!isVictim) return outcome;
    // One that was misled may wait for ever, and the others for it.
    void until(() => isAltered)
      .then(() => setTimeout(MISLED_MS))
      .then(() => node.stop());
    return outcome.catch((error: unknown) => {
      failure = error;
      return undefined;
    });
  });
  const end = await here.conductor.ended;
  const [own, ...others] = (await Promise.all(outcomes)).reverse();
  expect(isAltered, seed).toBe(true);
  if (failure === undefined) expect(ENDS, seed).toContain(own?.ended);
  else if (!(failure instanceof ProtocolError)) throw new Error(seed, { cause: failure });
  const heads = others.map((outcome) => (outcome?.ended === 'finished' ? bytesOf(outcome.model) : 'none'));
  expect(new Set(heads).size, seed).toBe(1);
  if (end.outcome === 'finished') expectMean(here, HOSPITALS, others[0]);
  else expect(['SUM_REFUSED', 'SHARES_DISPUTED'], seed).toContain(mode === 'secagg' ? end.reason : 'sealed');
  await here.dismantle();
}

describe.each(['sealed', 'secagg'] as const)('what a coordinator says in a %s run is altered', (mode) => {
  it.each([...NAMES[mode], 'answers' as const])(`%s, ${RUNS} times`, { timeout: 1_200_000 }, async (target) => {
    const beforeBytes = liveBytes();
    for (let run = 1; run <= RUNS; run++) await play(mode, target, `frames-hospital/${mode}/${target}/${run}`);
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
  });
});
