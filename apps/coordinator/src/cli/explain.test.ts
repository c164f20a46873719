/**
 * Claims: each effective value is listed once, with the place it came from and a sentence; alternatives show their own
 * fields only. Oracle: values by hand; the parsed file.
 */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { explainRunFile } from './explain.js';

const FILE = {
  run: 'first',
  study: { name: 'Study', labels: ['normal', 'covid'] },
  mode: 'sealed',
  head: { kind: 'mlp' },
  backbone: 'ab'.repeat(32),
  preprocessing: 'p-1',
  training: { epochs: 7, schedule: { kind: 'step', everyEpochs: 3, factor: 0.5 } },
  server: { optimizer: 'fedavgm' },
};
const explained = explainRunFile(stringify(FILE), 'FILE');
const of = (field: string) => explained.find((one) => one.field === field);

describe('explainRunFile', () => {
  it.each([
    ['run', 'first', 'file'],
    ['study.labels', ['normal', 'covid'], 'file'],
    ['head.kind', 'mlp', 'file'],
    ['head.hidden', 256, 'default'],
    ['training.epochs', 7, 'file'],
    ['training.batchSize', 32, 'default'],
    ['training.schedule.kind', 'step', 'file'],
    ['training.schedule.factor', 0.5, 'file'],
    ['server.momentum', 0.9, 'default'],
    ['hospitals', undefined, 'default'],
    ['stragglers', undefined, 'default'],
    ['selection.metric', 'balancedAccuracy', 'default'],
    ['roundTimeoutSeconds', 3_600, 'default'],
  ])('%s is %j, from the %s', (field, value, from) => {
    expect(of(field)).toMatchObject({ from });
    expect(of(field)?.value).toEqual(value);
  });

  it('lists each field once, and none of another alternative', () => {
    const fields = explained.map(({ field }) => field);
    expect(new Set(fields).size).toBe(fields.length);
    expect(fields).not.toContain('training.schedule.minFactor');
    expect(fields).not.toContain('server.tau');
  });

  it('says what every field means', () => {
    const silent = explained.filter(({ means }) => means === '').map(({ field }) => field);
    expect(silent).toEqual([]);
  });

  it('refuses what would not be led', () => {
    expect(() => explainRunFile('run: x', 'FILE')).toThrow(/^FILE: study: /);
  });
});
