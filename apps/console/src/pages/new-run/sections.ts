/** The fields of the form in the order in which people think of them. */
import { newRun } from '../../strings/new-run.js';
import type { Field } from './fields.js';

const ORDER = [
  ['study', ['run', 'study', 'hospitals']],
  ['model', ['backbone', 'preprocessing', 'embeddingLength', 'head', 'seed']],
  ['trust', ['mode', 'minHospitals', 'clipNorm', 'secagg', 'threshold', 'colluders', 'tolerated']],
  ['rounds', ['rounds', 'selection', 'server']],
  ['training', ['training']],
  ['time', ['gatherTimeoutSeconds', 'roundTimeoutSeconds', 'absenceGraceSeconds', 'stragglers']],
] as const;

export interface Section {
  readonly title: string;
  readonly fields: readonly Field[];
}

/** Fields that this table does not know come last: nothing that a file may say is missing from the form. */
export function sectionsOf(fields: readonly Field[]): Section[] {
  const placed = new Set<string>(ORDER.flatMap(([, names]) => names));
  const sections = ORDER.map(([name, names]) => ({
    title: newRun.sections[name],
    fields: names.flatMap((wanted) => fields.filter(({ path }) => path === wanted)),
  }));
  const others = fields.filter(({ path }) => !placed.has(path));
  return others.length === 0 ? sections : [...sections, { title: newRun.sections.others, fields: others }];
}
