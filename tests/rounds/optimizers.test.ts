/**
 * Claims: (1) a whole run with FedAdam over real sockets ends every hospital with the head of Algorithm 2, bit for bit;
 * (2) so does one whose coordinator ends in the middle of a round and is started again: the moments are taken up with the
 * log, and no update counts twice; (3) a run with FedAvg and a step of 1 is FedAvg.
 * Oracle: Reddi et al., arXiv:2003.00295, Algorithm 2 written out below in float64, one rounding to float32 a round.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { openCoordinator, openHome, type Progress, type RunFile } from '@consilium/coordinator';
import { initialParameters } from '@consilium/model-spec';
import { afterEach, expect, it } from 'vitest';
import { expectedHead, waveUpdate, type Part } from '../support/expected-head.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { until } from '../support/until.js';

const SPEC = { kind: 'linear', inputs: 4, classes: 3 } as const;
const NAMES = ['a', 'b', 'c'] as const;
const PARTS = [7, 100, 31].map((examples, k): Part => ({ examples, update: waveUpdate(k, 15) }));
const ROUNDS = 3;
const ADAM = { learningRate: 0.05, beta1: 0.8, beta2: 0.95, tau: 0.01 };
const adamRun: Partial<RunFile> = { rounds: ROUNDS, server: { optimizer: 'fedadam', ...ADAM } };

let consortium: Consortium | undefined;
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
  await consortium?.dismantle();
});

function adamHead(): Float32Array {
  const head = initialParameters(SPEC, 'consilium');
  const total = PARTS.reduce((sum, { examples }) => sum + examples, 0);
  const m = new Float64Array(head.length);
  const v = new Float64Array(head.length).fill(ADAM.tau * ADAM.tau);
  for (let round = 1; round <= ROUNDS; round++) {
    for (let k = 0; k < head.length; k++) {
      const sum = PARTS.reduce((sum, { examples, update }) => sum + examples * (update(round)[k] ?? NaN), 0);
      const delta = sum / total;
      m[k] = ADAM.beta1 * (m[k] ?? NaN) + (1 - ADAM.beta1) * delta;
      v[k] = ADAM.beta2 * (v[k] ?? NaN) + (1 - ADAM.beta2) * delta * delta;
      head[k] = (head[k] ?? NaN) + (ADAM.learningRate * (m[k] ?? NaN)) / (Math.sqrt(v[k] ?? NaN) + ADAM.tau);
    }
  }
  return head;
}

const bytesOf = (head: Float32Array): string => Buffer.from(head.buffer).toString('hex');

async function expectHeads(outcomes: ReturnType<Consortium['join']>[], expected: Float32Array): Promise<void> {
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.ended !== 'finished' || outcome.model === undefined) throw new Error(`ended as ${outcome.ended}`);
    expect(bytesOf(outcome.model)).toBe(bytesOf(expected));
  }
}

it('a run with FedAdam ends with the head of Algorithm 2', async () => {
  consortium = await convene(NAMES, adamRun);
  const here = consortium;
  const outcomes = NAMES.map((name, k) => here.join(name, knownLearner(PARTS[k]?.examples ?? 0, waveUpdate(k, 15))));
  await expectHeads(outcomes, adamHead());
});

it('and so it does when the coordinator ends in the middle of round 2 and is started again', async () => {
  consortium = await convene(NAMES, { ...adamRun, absenceGraceSeconds: 30 });
  const here = consortium;
  let restarted = false;
  const outcomes = NAMES.map((name, k) => {
    const update = waveUpdate(k, 15);
    const waiting = async (round: number): Promise<Float32Array> => {
      if (round === 2 && name === 'c') await until(() => restarted);
      return update(round);
    };
    return here.join(name, knownLearner(PARTS[k]?.examples ?? 0, waiting));
  });
  const isIn = ({ event, ...step }: Progress): boolean => event === 'update' && 'round' in step && step.round === 2;
  await until(() => here.progress.filter(isIn).length === 2);
  const port = Number(new URL(here.coordinator.url).port);
  await here.coordinator.close();
  const progress: Progress[] = [];
  const again = await openCoordinator({
    home: await openHome(join(here.directory, 'coordinator')),
    ...{ host: '127.0.0.1', port, log: pino({ enabled: false }) },
    progress: (step) => progress.push(step),
  });
  cleanUp.push(() => again.close());
  restarted = true;
  await expectHeads(outcomes, adamHead());
  const counted = [...here.progress, ...progress].flatMap((step) =>
    step.event === 'update' ? [`${step.round}/${step.hospital}`] : [],
  );
  expect(counted.sort()).toEqual(['1/a', '1/b', '1/c', '2/a', '2/b', '2/c', '3/a', '3/b', '3/c']);
});

it('a run with FedAvg and a step of 1 is FedAvg', async () => {
  consortium = await convene(NAMES, { rounds: 2, server: { optimizer: 'fedavg', learningRate: 1 } });
  const here = consortium;
  const outcomes = NAMES.map((name, k) => here.join(name, knownLearner(PARTS[k]?.examples ?? 0, waveUpdate(k, 15))));
  await expectHeads(outcomes, expectedHead(SPEC, [PARTS, PARTS]));
});
