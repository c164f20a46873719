/** Elements that the sections share. */
import { markup, type Markup } from '../report/markup.js';

type Cell = string | Markup;

const asMarkup = (cell: Cell): Markup => (typeof cell === 'string' ? markup`${cell}` : cell);

export const count = (value: number): string => value.toLocaleString('en');

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value: number): string {
  const power = Math.min(UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  return `${(value / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power] ?? ''}`;
}

/** As policy.yaml has them. */
export function binaryBytes(value: number): string {
  const [unit, size] = value >= 2 ** 30 ? (['GiB', 2 ** 30] as const) : (['MiB', 2 ** 20] as const);
  return `${Number((value / size).toFixed(2))} ${unit}`;
}

/** In UTC until the script puts it into the zone of whoever looks. */
export const time = (iso: string): Markup =>
  markup`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;

export const empty = (text: string): Markup => markup`<p class="dim">${text}</p>`;

/** What to type in a terminal. */
export const command = (text: string): Markup => markup`<p><code class="command">${text}</code></p>`;

export const list = (items: readonly (readonly [string, Cell])[]): Markup =>
  markup`<dl>${items.map(([name, value]) => markup`<dt>${name}</dt><dd>${asMarkup(value)}</dd>`)}</dl>`;

/** The first column heads its row, and the last one holds numbers. */
export function table(caption: string, heads: readonly string[], rows: readonly (readonly Cell[])[]): Markup {
  const head = heads.map((name) => markup`<th scope="col">${name}</th>`);
  const body = rows.map(
    ([first = '', ...rest]) =>
      markup`<tr><th scope="row">${asMarkup(first)}</th>${rest.map((cell) => markup`<td>${asMarkup(cell)}</td>`)}</tr>`,
  );
  // Wider than a telephone: it scrolls by itself, also by the keyboard.
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
