/**
 * Claims: a person is shown the hash, the labels, the trust mode with who sees what, and what is not guaranteed; a diff names
 * every value that differs from the last approved one, and no other; a text of the coordinator moves no cursor and turns no
 * reading direction. Oracle: the two configurations, which differ where this test made them.
 */
import { expect, it } from 'vitest';
import type { Digest, HospitalId, Opened, RunConfig, RunId } from '@consilium/protocol';
import { approvalText } from './approval-text.js';
import { promisedTerms } from './run-terms.js';

const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const BODY: RunConfig = {
  ...{ v: 1, runId: 'first' as RunId, mode: 'sealed', study: { name: 'Lungs', labels: ['normal', 'covid'] } },
  ...{ head: { kind: 'linear', inputs: 4, classes: 2 }, parameters: 10, seed: 's', initialModel: digest('e') },
  ...{ backbone: digest('f'), preprocessing: 'v1', weighting: 'examples', clipNorm: '100', rounds: 5, minHospitals: 2 },
  training: {
    ...{ epochs: 2, batchSize: 32, learningRate: '0.001', schedule: { kind: 'constant' }, l2: '0.1' },
    ...{ proximalMu: '0', classWeights: 'none', earlyStopPatienceEpochs: 0 },
  },
  server: { optimizer: 'fedavg', learningRate: '1' },
  ...{ gatherTimeoutMs: 1_000, roundTimeoutMs: 1_000, absenceGraceMs: 1_000, stragglers: null },
  selection: { metric: 'loss', patienceRounds: 0 },
  roster: [{ hospitalId: 'north' as HospitalId, identityKey: digest('b') }],
};
const TERMS = { mode: 'sealed', cohort: 2, sentBytes: 65_536 } as const;
const opened = (changes: Partial<RunConfig>, hash = '1'): Opened<'run-config'> => ({
  body: { ...BODY, ...changes },
  digest: digest(hash),
  envelope: { payloadType: '', payload: '', signatures: [{ keyid: '', sig: '' }] },
});

it('shows what a person answers for', () => {
  const text = approvalText(opened({}), TERMS, undefined);
  for (const words of [
    ...[digest('1'), 'Lungs', 'normal, covid', 'trust mode     sealed', 'EACH UPDATE OF THIS HOSPITAL'],
    ...['noise: NONE', 'epsilon: UNBOUNDED', 'at least 2 hospitals', 'output.kernel (4 x 2)', 'all of it is new'],
  ]) {
    expect(text).toContain(words);
  }
});

it('says which rule leaves updates out', () => {
  expect(approvalText(opened({}), TERMS, undefined)).not.toContain('become one by');
  const text = approvalText(opened({ aggregation: { rule: 'multi-krum', faulty: 2 } }), TERMS, undefined);
  expect(text).toContain('become one by a multi-krum, in which all hospitals count alike; made to withstand 2 of them');
});

it('does not promise a sum of those whom multi-Krum leaves out', () => {
  const cohort = (changes: Partial<RunConfig>): number =>
    promisedTerms({ ...BODY, minHospitals: 7, ...changes }, () => 1).cohort;
  expect(cohort({})).toBe(7);
  expect(cohort({ aggregation: { rule: 'trimmed-mean', faulty: 2 } })).toBe(7);
  expect(cohort({ aggregation: { rule: 'multi-krum', faulty: 2 } })).toBe(3);
});

it('names every difference and no other', () => {
  const now = opened(
    { runId: 'second' as RunId, rounds: 9, study: { name: 'Lungs', labels: ['normal', 'covid', 'other'] } },
    '2',
  );
  const lines = approvalText(now, TERMS, opened({})).split('\n');
  expect(lines.filter((line) => /^[+-] /.test(line))).toEqual([
    '- runId: "first"',
    '+ runId: "second"',
    '- rounds: 5',
    '+ rounds: 9',
    '+ study.labels.2: "other"',
  ]);
});

it('says that nothing changed', () => {
  expect(approvalText(opened({}), TERMS, opened({}))).toContain('the last that was approved: none');
});

it('shows control characters and turned text by their numbers', () => {
  const name = 'harmless\u001b[2K\r\u202eevil';
  const text = approvalText(opened({ study: { name, labels: ['a\nhash 0000', 'b'] } }), TERMS, opened({}));
  expect(text).toContain('harmless\\u{1b}[2K\\u{d}\\u{202e}evil');
  expect(text).toContain('a\\u{a}hash 0000');
  for (const control of ['\u001b', '\r', '\u202e']) expect(text.includes(control)).toBe(false);
});
