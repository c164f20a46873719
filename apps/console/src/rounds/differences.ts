/** Two lists of names and values as one, in the order of the first. Pure. */
type Values = readonly (readonly [name: string, value: string])[];

export interface Difference {
  readonly name: string;
  /** undefined: it has no such value. */
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly same: boolean;
}

export function differences(a: Values, b: Values): Difference[] {
  const [first, second] = [new Map(a), new Map(b)];
  const names = [...first.keys(), ...[...second.keys()].filter((name) => !first.has(name))];
  return names.map((name) => {
    const [left, right] = [first.get(name), second.get(name)];
    return { name, a: left, b: right, same: left === right };
  });
}
