/**
 * Claims: a hospital consents only to a run that names its own key, its backbone and preprocessing, a mode that it
 * accepts, and a head and initial model that it has computed itself; each refusal has its code. Beside each case stands
 * the mutation of refuse-config.ts that it notices. Oracle: the fields of the run configuration, changed one at a time.
 */
import { expect, it } from 'vitest';
import type { Digest, HospitalId, RunConfig, RunId } from '@consilium/protocol';
import { refuseConfig, type HospitalTerms } from './refuse-config.js';

const id = (name: string): HospitalId => name as HospitalId;
const digest = (digit: string): Digest => digit.repeat(64) as Digest;

const terms: HospitalTerms = {
  hospitalId: id('north'),
  identityKey: digest('a'),
  modes: ['sealed'],
  backbone: digest('b'),
  preprocessing: 'v1',
  embeddingLength: 4,
};
const config: RunConfig = {
  v: 1,
  runId: 'run' as RunId,
  mode: 'sealed',
  study: { name: 's', labels: ['x', 'y', 'z'] },
  head: { kind: 'linear', inputs: 4, classes: 3 },
  parameters: 15,
  seed: 'seed',
  initialModel: digest('c'),
  backbone: digest('b'),
  preprocessing: 'v1',
  training: {
    ...{ epochs: 1, batchSize: 1, learningRate: '0.1', l2: '0', proximalMu: '0' },
    ...{ schedule: { kind: 'constant' }, classWeights: 'none', earlyStopPatienceEpochs: 0 },
  },
  weighting: 'examples',
  clipNorm: '100',
  rounds: 1,
  minHospitals: 1,
  ...{ gatherTimeoutMs: 1, roundTimeoutMs: 1, absenceGraceMs: 1, stragglers: null },
  server: { optimizer: 'fedavg', learningRate: '1' },
  selection: { metric: 'balancedAccuracy', patienceRounds: 0 },
  roster: [
    { hospitalId: id('south'), identityKey: digest('d') },
    { hospitalId: id('north'), identityKey: digest('a') },
  ],
};
const recomputed = { parameters: 15, initialModel: digest('c') };

it('consents to a configuration that fits', () => {
  expect(refuseConfig(config, terms, recomputed)).toBeUndefined();
  const mlp = { ...config, head: { kind: 'mlp', inputs: 4, hidden: 2, classes: 3 } as const };
  expect(refuseConfig(mlp, terms, recomputed)).toBeUndefined();
});

it.each<[string, Partial<RunConfig>, string]>([
  ['no look at the roster', { roster: [] }, 'NOT_ON_ROSTER'],
  ['a search by key', { roster: [{ hospitalId: id('south'), identityKey: digest('a') }] }, 'NOT_ON_ROSTER'],
  ['a search by name alone', { roster: [{ hospitalId: id('north'), identityKey: digest('d') }] }, 'NOT_ON_ROSTER'],
  ['no comparison of the backbone', { backbone: digest('0') }, 'BACKBONE_MISMATCH'],
  ['no comparison of the preprocessing', { preprocessing: 'v2' }, 'PREPROCESSING_MISMATCH'],
  ['no comparison of the inputs', { head: { kind: 'linear', inputs: 5, classes: 3 } }, 'HEAD_MISMATCH'],
  ['no comparison of the classes', { head: { kind: 'linear', inputs: 4, classes: 2 } }, 'HEAD_MISMATCH'],
  ['no look at the labels', { study: { name: 's', labels: ['x', 'y'] } }, 'HEAD_MISMATCH'],
  ['trust in the parameter count', { parameters: 16 }, 'HEAD_MISMATCH'],
  ['trust in the initial model', { initialModel: digest('0') }, 'INITIAL_MODEL_MISMATCH'],
])('notices the mutation: %s', (_mutation, changes, code) => {
  expect(refuseConfig({ ...config, ...changes }, terms, recomputed)).toBe(code);
});

it('notices the mutation: a mode that the hospital does not accept is taken', () => {
  expect(refuseConfig(config, { ...terms, modes: [] }, recomputed)).toBe('MODE_NOT_ACCEPTED');
});

it('notices the mutation: the configuration is compared with itself and not with what was computed here', () => {
  expect(refuseConfig(config, terms, { ...recomputed, parameters: 14 })).toBe('HEAD_MISMATCH');
  expect(refuseConfig(config, terms, { ...recomputed, initialModel: digest('0') })).toBe('INITIAL_MODEL_MISMATCH');
});
