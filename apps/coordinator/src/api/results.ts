/** A run's rounds as rows: one for all hospitals together, then one for each that may be seen. */
import type { GlobalFigures, RunDetail, RunResults } from '@consilium/operator-api';
import { csvLine } from './csv.js';

type Row = RunResults['rows'][number];

export function resultsOf({ run, study, configDigest, mode, history }: RunDetail): RunResults {
  return { run, study, configDigest, mode, rows: history.flatMap(rowsOf) };
}

function rowsOf({ round, seconds, updates, examples, loss, bytes, figures }: RunDetail['history'][number]): Row[] {
  const none = { examples: null, loss: null, accuracy: null, balancedAccuracy: null, auc: null };
  const global = globalOf(figures.global) ?? none;
  const own = updates.map((update): Row => {
    const { hospital: id, ...held } = figures.hospitals?.find(({ hospital }) => hospital === update.hospital) ?? {
      ...{ hospital: update.hospital, ...none },
    };
    return {
      ...{ round, hospital: id, trainExamples: update.examples, trainLoss: update.loss },
      ...{ bytes: update.bytes, seconds: null, ...held },
    };
  });
  return [{ round, hospital: null, trainExamples: examples, trainLoss: loss, bytes, seconds, ...global }, ...own];
}

function globalOf(figures: GlobalFigures | null) {
  if (figures === null) return undefined;
  const { examples, loss, accuracy, balancedAccuracy, auc } = figures;
  return { examples, loss, accuracy, balancedAccuracy, auc };
}

const COLUMNS = [
  ...['round', 'hospital', 'trainExamples', 'trainLoss', 'bytes', 'seconds'],
  ...['examples', 'loss', 'accuracy', 'balancedAccuracy', 'auc'],
] as (keyof Row)[];

export const resultsCsv = ({ rows }: RunResults): string =>
  [csvLine(COLUMNS), ...rows.map((row) => csvLine(COLUMNS.map((column) => row[column])))].join('');
