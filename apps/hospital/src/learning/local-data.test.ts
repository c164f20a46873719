/**
 * Claims: a split keeps each embedding with its label, quarantines labels that the study does not have, adds to what was
 * quarantined before, and refuses to train on nothing. Oracle: embeddings that spell their own row.
 */
import { describe, expect, it } from 'vitest';
import type { DatasetRow } from '@consilium/imaging';
import { hospitalConfig } from '../config.js';
import { splitFor, type LocalData } from './local-data.js';

const CONFIG = hospitalConfig({ coordinator: 'http://127.0.0.1:1', data: '.' }, '/');

/** The embedding of row k is [k, -k]. */
function localData(rows: readonly Partial<DatasetRow>[], quarantined: ReadonlyMap<string, number>): LocalData {
  const embedded = rows.map((row, k) => ({
    row: { image: `${k}.png`, label: 'normal', site: 's', patient: `p${k}`, line: k + 2, ...row },
    embedding: Float32Array.of(k, -k),
  }));
  // A split never looks at the network.
  return { backbone: {} as LocalData['backbone'], engineId: 'onnxruntime-cpu', embedded, quarantined };
}

describe('splitFor', () => {
  it('keeps embeddings, labels and splits together', () => {
    const rows = [
      { label: 'covid', split: 'test' },
      { label: 'normal', split: 'train' },
      { label: 'pneumonia', split: 'validation' },
      { label: 'covid', split: 'train' },
      { label: 'lateral', split: 'train' },
    ] as const;
    const data = localData(rows, new Map([['TRUNCATED', 2]]));
    const { train, validation, test, quarantined } = splitFor(['normal', 'pneumonia', 'covid'], data, CONFIG);
    expect(train).toEqual({ embeddings: Float32Array.of(1, -1, 3, -3), labels: Int32Array.of(0, 2) });
    expect(validation).toEqual({ embeddings: Float32Array.of(2, -2), labels: Int32Array.of(1) });
    expect(test).toEqual({ embeddings: Float32Array.of(0, -0), labels: Int32Array.of(2) });
    expect(Object.fromEntries(quarantined)).toEqual({ TRUNCATED: 2, UNKNOWN_LABEL: 1 });
    expect(Object.fromEntries(data.quarantined)).toEqual({ TRUNCATED: 2 });
  });

  it('holds out whole patients', () => {
    const rows = Array.from({ length: 90 }, (_, k) => ({ patient: `p${Math.floor(k / 3)}` }));
    const { train, test } = splitFor(['normal', 'covid'], localData(rows, new Map()), CONFIG);
    const patients = ({ embeddings }: typeof train): Set<number> =>
      new Set(
        Array.from(embeddings)
          .filter((_, k) => k % 2 === 0)
          .map((row) => Math.floor(row / 3)),
      );
    expect([...patients(train)].filter((patient) => patients(test).has(patient))).toEqual([]);
    expect(train.labels.length + test.labels.length).toBe(90);
    expect(test.labels.length).toBeGreaterThan(0);
  });

  it('refuses to train on nothing', () => {
    const onlyTest = localData([{ split: 'test' }, { label: 'lateral', split: 'train' }], new Map());
    expect(() => splitFor(['normal', 'covid'], onlyTest, CONFIG)).toThrow('no image is left for training');
  });
});
