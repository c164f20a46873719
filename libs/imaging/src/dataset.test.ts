/**
 * Claims: (1) every row ends in one list; (2) no patient is in two lists; (3) a patient's place depends on seed and
 * patient alone, so that further files move nobody; (4) given splits hold, and conflicts are quarantined by code; (5) the
 * share of test patients is as asked. Oracle: the rules, by hand, and counting. Claim 5 is a statistic: 4,000 patients
 * and a bound of 5 standard deviations, false alarm below 1e-6, and the seed is fixed.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DatasetOptions, type DatasetRow, planDataset } from './dataset.js';
import type { Split } from './manifest.js';

const options: DatasetOptions = { labels: ['normal', 'covid'], seed: 'study-1', testShare: 0.25 };

function row(image: string, patient: string, split?: Split, label = 'normal'): DatasetRow {
  return { image, patient, label, site: 'north', line: 2, ...(split !== undefined && { split }) };
}

const many = (count: number): DatasetRow[] => Array.from({ length: count }, (_, i) => row(`${i}.png`, `patient ${i}`));
const images = (rows: readonly DatasetRow[]): string[] => rows.map(({ image }) => image);

describe('planDataset', () => {
  it('gives the share of patients that was asked for', () => {
    const deviation = Math.sqrt(0.25 * 0.75 * 4000);
    expect(Math.abs(planDataset(many(4000), options).test.length - 1000)).toBeLessThan(5 * deviation);
    expect(planDataset(many(50), { ...options, testShare: 0 }).test).toEqual([]);
    expect(planDataset(many(50), { ...options, testShare: 1 }).train).toEqual([]);
  });

  it('moves nobody when rows come or when their order changes, and somebody when the seed does', () => {
    const before = new Set(images(planDataset(many(200), options).test));
    const grown = images(planDataset(many(300).reverse(), options).test).filter(
      (image) => Number.parseInt(image) < 200,
    );
    expect(new Set(grown)).toEqual(before);
    expect(new Set(images(planDataset(many(200), { ...options, seed: 'study-2' }).test))).not.toEqual(before);
  });

  it('only adds test patients when the share grows', () => {
    const larger = new Set(images(planDataset(many(200), { ...options, testShare: 0.5 }).test));
    for (const image of images(planDataset(many(200), options).test)) expect(larger).toContain(image);
  });

  it('quarantines labels that the study does not have, and images without one', () => {
    const odd = row('a', 'p', 'train', 'fracture');
    expect(planDataset([odd], options).quarantined).toEqual([{ row: odd, code: 'UNKNOWN_LABEL' }]);
    const bare = { image: 'b', patient: 'q' };
    expect(planDataset([bare], options).quarantined).toEqual([{ row: bare, code: 'UNLABELLED' }]);
  });

  it('respects given splits, and quarantines what a patient has outside the most protected one', () => {
    const rows = [
      row('1', 'A', 'train'),
      row('2', 'A', 'test'),
      row('3', 'B', 'validation'),
      row('4', 'B', 'train'),
      row('5', 'C', 'validation'),
      row('6', 'C', 'test'),
      row('7', 'D', 'train'),
      row('8', 'D', 'train'),
    ];
    const plan = planDataset(rows, { ...options, testShare: 1 });
    expect(images(plan.train)).toEqual(['7', '8']);
    expect(images(plan.validation)).toEqual(['3']);
    expect(images(plan.test)).toEqual(['2', '6']);
    expect(plan.quarantined.map(({ row: { image }, code }) => [image, code])).toEqual([
      ['1', 'PATIENT_IN_TRAIN_AND_TEST'],
      ['4', 'PATIENT_IN_TRAIN_AND_VALIDATION'],
      ['5', 'PATIENT_IN_VALIDATION_AND_TEST'],
    ]);
  });

  it('lets rows without a split follow their patient', () => {
    const rows = [
      row('1', 'A', 'validation'),
      row('2', 'A'),
      row('3', 'B', 'test'),
      row('4', 'B'),
      row('5', 'C', 'train'),
      row('6', 'C'),
    ];
    const plan = planDataset(rows, { ...options, testShare: 0.5 });
    expect([plan.validation, plan.test, plan.train].map(images)).toEqual([
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ]);
  });

  it('does not let an image with an unknown label decide about its patient', () => {
    const plan = planDataset([row('1', 'A', 'test', 'fracture'), row('2', 'A', 'train')], options);
    expect(images(plan.train)).toEqual(['2']);
  });

  it('puts every row in one list and every patient on one side, whatever the manifest', () => {
    const rows = fc.array(
      fc.record({
        patient: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
        label: fc.constantFrom('normal', 'covid', 'fracture'),
        split: fc.constantFrom<(Split | undefined)[]>('train', 'validation', 'test', undefined),
      }),
    );
    fc.assert(
      fc.property(rows, fc.double({ min: 0, max: 1, noNaN: true }), (cells, testShare) => {
        const all = cells.map(({ patient, label, split }, i) => row(String(i), patient, split, label));
        const { train, validation, test, quarantined } = planDataset(all, { ...options, testShare });
        const placed = [...train, ...validation, ...test, ...quarantined.map((entry) => entry.row)];
        expect(images(placed).sort()).toEqual(images(all).sort());
        const sides = [train, validation, test].map((side) => new Set(side.map(({ patient }) => patient)));
        const patients = sides.flatMap((side) => [...side]);
        expect(new Set(patients).size).toBe(patients.length);
      }),
      { numRuns: 300 },
    );
  });

  it.each([-0.1, 1.1, NaN])('refuses a test share of %d', (testShare) => {
    expect(() => planDataset([], { ...options, testShare })).toThrow(RangeError);
  });
});
