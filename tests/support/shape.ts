/** What a JSON value looks like, without its values: for tests that hold an output to its contract. */

export type Shape = string | { readonly [key: string]: Shape } | readonly Shape[];

/**
 * Types in place of values; an array stands for its distinct shapes. A share that cannot be computed is null and counts as
 * `share`, as does any number from 0 to 1 under a name of `shares`.
 */
export function shapeOf(value: unknown, shares: ReadonlySet<string>, key = ''): Shape {
  if (shares.has(key))
    return value === null || (typeof value === 'number' && value >= 0 && value <= 1) ? 'share' : 'bad';
  if (Array.isArray(value)) {
    const shapes = value.map((item: unknown) => shapeOf(item, shares));
    return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item, shares, name)]));
  }
  return value === null ? 'null' : typeof value;
}
