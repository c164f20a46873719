/**
 * Claims: a run configuration that no hospital could train by is refused as a statement, before anyone consents to it; the
 * ends of each range are allowed. Oracle: the sample configuration with one field changed.
 */
import { describe, expect, it } from 'vitest';
import { sampleStatements } from './samples.js';
import { statements } from './statements.js';

const config = sampleStatements['run-config'];
const accepts = (changes: object): boolean =>
  statements['run-config'].safeParse({ ...config, training: { ...config.training, ...changes } }).success;

describe('training', () => {
  it.each([
    { learningRate: '0' },
    { learningRate: '-0.1' },
    { l2: '-0.1' },
    { proximalMu: '-1' },
    { proximalMu: 0.1 },
    { classWeights: 'inverse' },
    { earlyStopPatienceEpochs: -1 },
    { earlyStopPatienceEpochs: 1.5 },
    { schedule: { kind: 'linear' } },
    { schedule: { kind: 'constant', minFactor: '0' } },
    { schedule: { kind: 'cosine' } },
    { schedule: { kind: 'cosine', minFactor: '1.1' } },
    { schedule: { kind: 'cosine', minFactor: '-0.1' } },
    { schedule: { kind: 'step', everyEpochs: 0, factor: '0.5' } },
    { schedule: { kind: 'step', everyEpochs: 1, factor: '0' } },
    { schedule: { kind: 'step', everyEpochs: 1, factor: '1.5' } },
  ])('refuses %j', (changes) => {
    expect(accepts(changes)).toBe(false);
  });

  it.each([
    {},
    { l2: '0', proximalMu: '0', classWeights: 'none', earlyStopPatienceEpochs: 0, schedule: { kind: 'constant' } },
    { schedule: { kind: 'cosine', minFactor: '0' } },
    { schedule: { kind: 'cosine', minFactor: '1' } },
    { schedule: { kind: 'step', everyEpochs: 1, factor: '1' } },
  ])('accepts %j', (changes) => {
    expect(accepts(changes)).toBe(true);
  });

  it.each(Object.keys(config.training))('needs %s: defaults are those of a run file, never of a statement', (field) => {
    expect(accepts({ [field]: undefined })).toBe(false);
  });
});
