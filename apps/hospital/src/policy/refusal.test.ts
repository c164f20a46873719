/**
 * Claims: each rule refuses just beyond its bound and lets pass what is on it; what is not promised counts as not given;
 * the first broken rule in the documented order is named; nothing passes by a NaN.
 * Oracle: bounds by hand.
 *
 * Each rule has a mutation that its test must catch: named beside it, tried by hand on a copy of refusal.ts.
 */
import { describe, expect, it } from 'vitest';
import { parsePolicy } from './read-policy.js';
import { DEFAULT_POLICY } from './default-policy.js';
import { refusalByPolicy, type LocalFacts } from './refusal.js';
import type { Policy } from './schema.js';
import type { RoundTerms, RunTerms } from './terms.js';

const HASH = 'ab'.repeat(32);
const POLICY: Policy = { ...parsePolicy(DEFAULT_POLICY), hours: [{ from: 19 * 60, to: 7 * 60 }] };
const RUN: RunTerms = {
  ...{ subject: 'run', studyHash: HASH, mode: 'secagg', cohort: 3, collusionTolerance: 1, clipNorm: 100 },
  ...{ tensors: ['output.kernel', 'output.bias'], sentBytes: 64 * 2 ** 20 },
};
const ROUND: RoundTerms = { subject: 'round', cohort: 3, parameters: 1_000 };
const FACTS: LocalFacts = { patients: 10, minuteOfDay: 20 * 60, memoryBytes: 2 ** 30, diskBytes: 2 ** 30 };

const run = (policy: Partial<Policy>, terms: Partial<RunTerms> = {}, facts: Partial<LocalFacts> = {}) =>
  refusalByPolicy({ ...POLICY, ...policy }, { ...RUN, ...terms }, { ...FACTS, ...facts });
const round = (policy: Partial<Policy>, terms: Partial<RoundTerms> = {}, facts: Partial<LocalFacts> = {}) =>
  refusalByPolicy({ ...POLICY, ...policy }, { ...ROUND, ...terms }, { ...FACTS, ...facts });

it('has nothing against what is within all bounds', () => {
  expect(run({})).toBeUndefined();
  expect(round({})).toBeUndefined();
});

describe('of a run', () => {
  it('STUDY_NOT_ALLOWED; mutation: `includes` of any prefix', () => {
    expect(run({ studies: [HASH] })).toBeUndefined();
    expect(run({ studies: ['cd'.repeat(32)] })).toBe('STUDY_NOT_ALLOWED');
  });

  it('TRUST_MODE_NOT_ALLOWED; mutation: sealed passes by default', () => {
    expect(run({}, { mode: 'sealed' })).toBe('TRUST_MODE_NOT_ALLOWED');
    expect(run({ trustModes: ['secagg', 'sealed'] }, { mode: 'sealed' })).toBeUndefined();
    expect(run({ trustModes: ['sealed'] })).toBe('TRUST_MODE_NOT_ALLOWED');
  });

  it('COHORT_TOO_SMALL; mutation: > for >=', () => {
    expect(run({}, { cohort: 2 })).toBe('COHORT_TOO_SMALL');
    expect(run({ cohortMin: 4 })).toBe('COHORT_TOO_SMALL');
    expect(run({}, { cohort: NaN })).toBe('COHORT_TOO_SMALL');
  });

  it('COLLUSION_TOLERANCE, on both sides; mutation: an absent tolerance passes', () => {
    const silent = Object.fromEntries(Object.entries(RUN).filter(([name]) => name !== 'collusionTolerance'));
    expect(refusalByPolicy(POLICY, silent as unknown as RunTerms, FACTS)).toBe('COLLUSION_TOLERANCE');
    expect(run({ collusionToleranceMin: 2 })).toBe('COLLUSION_TOLERANCE');
    expect(run({ collusionToleranceMin: 0, collusionToleranceMax: 0 })).toBe('COLLUSION_TOLERANCE');
    expect(run({ collusionToleranceMin: 1, collusionToleranceMax: 1 })).toBeUndefined();
  });

  it('CLIP_NORM_TOO_LARGE; mutation: > for !(<=), which NaN passes', () => {
    expect(run({}, { clipNorm: 100.001 })).toBe('CLIP_NORM_TOO_LARGE');
    expect(run({}, { clipNorm: NaN })).toBe('CLIP_NORM_TOO_LARGE');
  });

  it('NOISE_TOO_SMALL; mutation: absent noise passes', () => {
    expect(run({ noiseMultiplierMin: 0.5 })).toBe('NOISE_TOO_SMALL');
    expect(run({ noiseMultiplierMin: 0.5 }, { noiseMultiplier: 0.4 })).toBe('NOISE_TOO_SMALL');
    expect(run({ noiseMultiplierMin: 0.5 }, { noiseMultiplier: NaN })).toBe('NOISE_TOO_SMALL');
    expect(run({ noiseMultiplierMin: 0.5 }, { noiseMultiplier: 0.5 })).toBeUndefined();
  });

  it('EPSILON_TOO_LARGE; mutation: an unbounded epsilon passes', () => {
    expect(run({ epsilonMax: 3 })).toBe('EPSILON_TOO_LARGE');
    expect(run({ epsilonMax: 3 }, { epsilon: 3.01 })).toBe('EPSILON_TOO_LARGE');
    expect(run({ epsilonMax: 3 }, { epsilon: 3 })).toBeUndefined();
  });

  it('TENSOR_NOT_ALLOWED; mutation: `some` for `every`', () => {
    expect(run({}, { tensors: undefined })).toBe('TENSOR_NOT_ALLOWED');
    expect(run({ tensors: ['output.kernel'] })).toBe('TENSOR_NOT_ALLOWED');
    expect(run({ tensors: ['output.kernel', 'output.bias', 'hidden.bias'] })).toBeUndefined();
  });

  it('BYTES_PER_ROUND; mutation: no rule', () => {
    expect(run({}, { sentBytes: 64 * 2 ** 20 + 1 })).toBe('BYTES_PER_ROUND');
  });

  it('TOO_FEW_PATIENTS, once they are counted; mutation: unknown is 0', () => {
    expect(run({}, {}, { patients: 9 })).toBe('TOO_FEW_PATIENTS');
    expect(run({}, {}, { patients: undefined })).toBeUndefined();
  });

  it('names the first of several', () => {
    expect(run({ studies: ['cd'.repeat(32)], epsilonMax: 1 }, { mode: 'sealed' })).toBe('STUDY_NOT_ALLOWED');
  });
});

describe('of a round', () => {
  it('COHORT_TOO_SMALL: a plan may be for fewer than the configuration promised', () => {
    expect(round({}, { cohort: 2 })).toBe('COHORT_TOO_SMALL');
  });

  it('TOO_FEW_PATIENTS', () => {
    expect(round({}, {}, { patients: 9 })).toBe('TOO_FEW_PATIENTS');
  });

  it.each([
    [19 * 60 - 1, 'OUTSIDE_HOURS'],
    [19 * 60, undefined],
    [0, undefined],
    [7 * 60 - 1, undefined],
    [7 * 60, 'OUTSIDE_HOURS'],
  ])('OUTSIDE_HOURS over midnight: minute %i is %s; mutation: from <= to as one piece', (minuteOfDay, rule) => {
    expect(round({}, {}, { minuteOfDay })).toBe(rule);
  });

  it('OUTSIDE_HOURS within a day', () => {
    const hours = [{ from: 60, to: 120 }];
    expect(round({ hours }, {}, { minuteOfDay: 119 })).toBeUndefined();
    expect(round({ hours }, {}, { minuteOfDay: 120 })).toBe('OUTSIDE_HOURS');
    expect(round({ hours: 'always' }, {}, { minuteOfDay: 120 })).toBeUndefined();
  });

  it('MEMORY, with what the training adds; mutation: without it', () => {
    const memoryMax = 2 ** 30 + 8 * 4_000;
    expect(round({ memoryMax })).toBeUndefined();
    expect(round({ memoryMax: memoryMax - 1 })).toBe('MEMORY');
  });

  it('DISK, with the update that is kept until it is acknowledged; mutation: without it', () => {
    const diskMax = 2 ** 30 + 4_000;
    expect(round({ diskMax })).toBeUndefined();
    expect(round({ diskMax: diskMax - 1 })).toBe('DISK');
  });
});
