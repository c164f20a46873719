/** Figures as people read them, or as one JSON line. */

/** @param figures - flat, or with one level of names below. */
export function figuresText(figures: object, format: 'json' | 'table'): string {
  if (format === 'json') return `${JSON.stringify(figures)}\n`;
  const rows = Object.entries(figures).flatMap(([name, value]: [string, unknown]): [string, unknown][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([inner, one]): [string, unknown] => [`${name}.${inner}`, one])
      : [[name, value]],
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, value]: [string, unknown]): string => `${name.padEnd(width)}  ${shown(value)}`;
  return `${rows.map(line).join('\n')}\n\n`;
}

const shown = (value: unknown): string => {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
};
