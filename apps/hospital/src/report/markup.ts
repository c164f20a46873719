/** Text that becomes HTML or SVG. Labels, names and reason codes come from elsewhere, so that nothing is pasted unescaped. */

import { escaped } from '../escaped.js';

/** Markup that is safe to put into markup: only {@link markup} makes it. */
export interface Markup {
  readonly html: string;
}

type Value = Markup | string | number | readonly Markup[];

const textOf = (value: Value): string => {
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map(({ html }) => html).join('');
};

/** The literal parts as they are, every value escaped unless it is markup itself. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { html: parts.reduce((html, part, i) => html + textOf(values[i - 1] as Value) + part) };
}

export const NOTHING: Markup = { html: '' };
