/** What was typed so far: a run file of which parts may be missing or wrong. Never changed in place. */
export type Draft = Readonly<Record<string, unknown>>;

const isDraft = (value: unknown): value is Draft =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** @param path - names joined by dots. */
export function valueAt(draft: Draft, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isDraft(value) ? value[name] : undefined), draft);
}

/** @param value - undefined takes it out, and with it a group that holds nothing else. */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  const [name = '', ...rest] = path.split('.');
  const inner = isDraft(draft[name]) ? draft[name] : {};
  const next = rest.length === 0 ? value : withValue(inner, rest.join('.'), value);
  const empty = next === undefined || (rest.length > 0 && isDraft(next) && Object.keys(next).length === 0);
  if (!empty) return { ...draft, [name]: next };
  return Object.fromEntries(Object.entries(draft).filter(([other]) => other !== name));
}

/** A number if it is one: what is half typed stays as it is, and the check says so. */
export function asNumber(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

/** Lines or commas, without empty ones. */
export function asList(text: string): string[] | undefined {
  const parts = text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter(Boolean);
  return parts.length === 0 ? undefined : parts;
}

/** The study and the model of an earlier run: what another run of the same study has in common with it. */
export function takenOver(configuration: Draft, draft: Draft): Draft {
  const copied = ['study', 'backbone', 'preprocessing', 'mode'] as const;
  const taken = copied.reduce<Draft>(
    (next, name) => (configuration[name] === undefined ? next : { ...next, [name]: configuration[name] }),
    draft,
  );
  const { head } = configuration;
  if (!isDraft(head)) return taken;
  const { inputs, kind, hidden } = head;
  return {
    ...taken,
    head: { kind, ...(hidden !== undefined && { hidden }) },
    ...(inputs !== 2_048 && { embeddingLength: inputs }),
  };
}
