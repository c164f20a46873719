/** What every command of this program shares: its output, and the folder it works in. */
import { Option } from 'commander';

export interface Common {
  readonly format: 'text' | 'json';
  readonly home: string;
}

/** A new one for each command. */
export const formatOption = (): Option =>
  new Option('--format <format>', 'text, or json: one JSON value per line').choices(['text', 'json']).default('text');

export const homeOption = [
  '--home <folder>',
  'folder of this hospital: identity, pinned coordinator, cache, results',
  'hospital',
] as const;

/** Writes `value` or its text, as `--format` asks. */
export function say({ format }: Pick<Common, 'format'>, value: object, text: string): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(value) : text}\n`);
}
