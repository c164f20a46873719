/**
 * Claims: a check names each bad field, gives what a good file comes to with the text that hospitals approve, and never
 * throws for what a file says; its numbers hold. Oracle: files by hand, and arithmetic written out here.
 */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runCheck } from '@consilium/operator-api';
import type { Enrolment, HospitalId } from '@consilium/protocol';
import { checkRun, type CheckParts } from './run-check.js';

const enrolled = ['anna', 'bert', 'cora', 'dora'].map((hospitalId, i): Enrolment => ({
  v: 1,
  hospitalId: hospitalId as HospitalId,
  identityKey: String(i).repeat(64),
}));
const parts: CheckParts = {
  enrolled,
  isTaken: (run) => run === 'taken',
  asked: ({ runId }) => ({ approval: `run ${runId}`, bytesPerRound: 7 }),
};
const FILE = {
  ...{ run: 'first', study: { name: 'Study', labels: ['normal', 'covid'] }, head: { kind: 'linear' } },
  ...{ embeddingLength: 4, backbone: 'ab'.repeat(32), preprocessing: 'p-1' },
};
const check = (file: object, form: 'json' | 'yaml' = 'json') =>
  runCheck.parse(checkRun(form === 'json' ? JSON.stringify(file) : stringify(file), form, parts));

describe('checkRun', () => {
  it.each(['json', 'yaml'] as const)('says what a good file comes to: %s', (form) => {
    const { valid, problems, hospitals, yaml, approval, effective, thresholds, overflow, parameters } = check(
      FILE,
      form,
    );
    expect({ valid, problems, parameters }).toEqual({ valid: true, problems: [], parameters: 10 });
    expect(hospitals).toEqual(['anna', 'bert', 'cora', 'dora']);
    expect(yaml).toContain('run: first');
    expect(approval).toBe('run first');
    expect(effective.find(({ field }) => field === 'rounds')).toMatchObject({ value: 5, from: 'default' });
    // n = 4, c = 1: t = floor((4 + 1) / 2) + 1 = 3; c is a third of the others, as far as three hospitals allow.
    expect(thresholds).toEqual({ hospitals: 4, tolerated: 1, threshold: 3, mayDrop: 1 });
    expect(overflow?.ringBits).toBe(32);
    expect(overflow?.usedBits).toBeLessThanOrEqual(32);
  });

  it('has no thresholds in the mode sealed', () => {
    expect(check({ ...FILE, mode: 'sealed' })).toMatchObject({ valid: true, thresholds: null, overflow: null });
  });

  it.each<[string, object, string[]]>([
    ['fields', { ...FILE, rounds: 0, training: { epoch: 3 } }, ['rounds', 'training']],
    ['a name that is taken', { ...FILE, run: 'taken' }, ['run']],
    ['a hospital that is not enrolled', { ...FILE, hospitals: ['nobody'] }, ['hospitals']],
    ['too few for the mode', { ...FILE, hospitals: ['anna', 'bert'] }, ['hospitals']],
    ['weights that overflow', { ...FILE, secagg: { weightCap: 10_000_000_000 } }, ['secagg.weightCap']],
    ['nothing', {}, ['run', 'study', 'head', 'backbone', 'preprocessing']],
  ])('names %s', (_, file, fields) => {
    const { valid, problems } = check(file);
    expect(valid).toBe(false);
    expect(problems.map(({ field }) => field)).toEqual(fields);
  });

  it.each(['', 'a: [', '<script>', 'null', '&a [*a, *a]'])('answers to %j', (text) => {
    for (const form of ['json', 'yaml'] as const) {
      expect(runCheck.parse(checkRun(text, form, parts)).valid).toBe(false);
    }
  });
});
