/** How commands speak: text for people, or one JSON value per line for programs. */
import { InvalidArgumentError, Option } from 'commander';
import Table from 'cli-table3';

export interface Format {
  readonly format: 'text' | 'json';
}

export const formatOption = (): Option =>
  new Option('--format <format>', 'text, or json: one JSON value per line').choices(['text', 'json']).default('text');

export const homeOption = (): Option =>
  new Option('--home <folder>', 'folder of this coordinator: key, enrolments, models').default('coordinator');

export function say({ format }: Format, value: object, text: string): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(value) : text}\n`);
}

export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('expected 0 to 65535');
  return port;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

/** Columns without lines: it can be read, and cut by other tools. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const blank = { top: '', left: '', right: '', middle: '  ', bottom: '', mid: '' };
  const empty = { 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom-mid': '', 'bottom-left': '' };
  const rest = { 'bottom-right': '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const lines = new Table({
    head: [...head],
    chars: { ...blank, ...empty, ...rest },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  lines.push(...rows.map((row) => [...row]));
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
