/**
 * Claims: the table fits 80 columns, says what was lost, quarantined and not computed, and never calls figures of an
 * untrained backbone a result; result.json holds what hospitals reported, in their order. Oracle: values by hand.
 */
import { describe, expect, it } from 'vitest';
import type { Federation } from './federation.js';
import { demoResult, resultTable } from './result.js';
import type { Summary } from './steps.js';

const NONE = { accuracy: null, balancedAccuracy: null, auc: null };
const GOOD = { accuracy: 0.9, balancedAccuracy: 0.8125, auc: 0.95 };
const summary: Summary = {
  ...{ train: 70, test: 30, quarantined: { TRUNCATED: 2 }, warnings: ['TRUNCATED: 2 images quarantined'] },
  bytesSent: 2_048,
  seconds: { preparing: 6, training: 1, evaluating: 1, transfer: 0, waiting: 2 },
  backbone: { name: 'ResNet50, untrained (seeded random weights)', hash: 'ab', trained: false },
  ...{ engine: 'onnxruntime-cpu', trainer: 'tfjs-wasm', mode: 'sealed', localOnly: NONE, federated: GOOD },
  ...{ collusion: null, sums: { whole: 0, sampled: 0, no: 0 } },
};
const federation: Federation = {
  rounds: [
    { event: 'round-done', round: 1, seconds: 1, hospitals: [], missing: ['c'], totals: { weight: 1, loss: 1 } },
  ],
  summaries: new Map([
    ['hospital-a', summary],
    ['hospital-b', { ...summary, train: 5, test: 0, bytesSent: 1_024, warnings: [] }],
  ]),
  lost: [{ id: 'c', why: 'ended by SIGKILL' }],
};
const pooled = { pooled: GOOD, federated: NONE, perHospital: [GOOD, NONE] };
const result = demoResult(federation, pooled, 12.34);

describe('demoResult', () => {
  it('keeps what each hospital reported beside the pooled figures for it', () => {
    expect(result.hospitals.map((one) => [one.id, one.train, one.federated, one.pooled])).toEqual([
      ['hospital-a', 70, GOOD, GOOD],
      ['hospital-b', 5, GOOD, NONE],
    ]);
    expect(result).toMatchObject({ seconds: 12.34, pooled: GOOD, federated: NONE, mode: 'sealed' });
    expect(result.rounds).toEqual([
      { round: 1, seconds: 1, hospitals: [], missing: ['c'], totals: { weight: 1, loss: 1 } },
    ]);
  });
});

describe('resultTable', () => {
  const lines = resultTable(result).split('\n');
  const row = (start: string): (string | undefined)[] =>
    lines.filter((line) => line.startsWith(start)).map((line) => line.replaceAll(/\s+/g, ' ').trim());

  it('fits 80 columns', () => {
    for (const line of lines) expect(line.length, line).toBeLessThan(81);
  });

  it('shows figures, bytes and where the time went', () => {
    expect(row('hospital-a')).toEqual([
      'hospital-a 70 30 - / - 0.813 / 0.950 0.813 / 0.950',
      'hospital-a 2.0 KiB 60 % 20 % 0 % 20 %',
    ]);
    expect(row('all')).toEqual(['all 75 30 - / - 0.813 / 0.950', 'all 3.0 KiB']);
  });

  it('says what was lost and what was set aside', () => {
    expect(lines).toContain('LOST c: ended by SIGKILL');
    expect(lines).toContain('warning hospital-a: TRUNCATED: 2 images quarantined');
  });

  it('says who saw what, and of sums no more than hospitals did', () => {
    expect(resultTable(result)).toContain('THE COORDINATOR SAW EACH UPDATE');
    const collusion = { hospitals: 4, tolerated: 1 };
    const said = (sums: Summary['sums']): string => {
      const one = { ...summary, mode: 'secagg', collusion, sums };
      const summaries = new Map(['a', 'b'].map((id) => [id, one]));
      const text = resultTable(demoResult({ ...federation, summaries }, pooled, 1));
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThan(81);
      return text.replaceAll(/\s+/g, ' ');
    };
    const all = said({ whole: 3, sampled: 0, no: 0 });
    expect(all).toContain("nobody saw one hospital's update");
    expect(all).toContain('at least 2 of 4 hospitals');
    expect(all).toContain('followed 6 sums and recomputed 6 whole, 0 in random parts, 0 not.');
    expect(said({ whole: 1, sampled: 2, no: 3 })).toContain(
      '12 sums and recomputed 2 whole, 4 in random parts, 6 not.',
    );
  });

  it('says that an untrained backbone proves nothing, and only then', () => {
    expect(lines.join('\n')).toMatch(/untrained: the figures show the mechanism/);
    const trained = { ...result, backbone: { name: 'ResNet50', hash: 'cd', trained: true } };
    expect(resultTable(trained)).not.toContain('untrained');
    expect(resultTable(trained)).toContain('Research use only.');
  });
});
