/** A nested configuration as names and values, in the words and units of the run file. */
import { duration } from '../parts/format.js';
import { words } from '../strings/words.js';
import { configWords } from '../strings/config.js';

/** Keys that are shown elsewhere, or are the business of programs. */
const LEFT_OUT = new Set(['v']);

export function flattened(configuration: object): (readonly [name: string, value: string])[] {
  return Object.entries(configuration).flatMap(([key, value]) => (LEFT_OUT.has(key) ? [] : entriesOf([key], value)));
}

function entriesOf(path: readonly string[], value: unknown): (readonly [string, string])[] {
  const name = path.join('.');
  if (name === 'roster' && Array.isArray(value)) {
    const ids = value.map((one: unknown) => (one as { hospitalId?: string }).hospitalId ?? '');
    return [[labelOf(name), ids.join(', ')]];
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => entriesOf([...path, key], inner));
  }
  return [[labelOf(name), textOf(name, value)]];
}

export const labelOf = (name: string): string => configWords[name] ?? name;

function textOf(name: string, value: unknown): string {
  if (value === null) return configWords['null'] ?? '';
  if (Array.isArray(value)) return value.map(String).join(', ');
  if (typeof value === 'number') return name.endsWith('Ms') ? duration(value / 1_000) : String(value);
  if (name === 'mode' && typeof value === 'string') return words.modes[value] ?? value;
  if (name === 'selection.metric' && typeof value === 'string') return words.metrics[value] ?? value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
