/** Every effective value of a run file, where it came from and what it means. */
import { z } from 'zod';
import { plainValue, parseRunFile, runFileSchema } from '../run-file.js';

export interface Explained {
  /** Names joined by dots. */
  readonly field: string;
  /** undefined: absent, which has a meaning of its own. */
  readonly value: unknown;
  readonly from: 'file' | 'default';
  readonly means: string;
}

/** As far as this program reads its own schema. */
interface Described {
  readonly description?: string;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly oneOf?: readonly Described[];
}

/** @throws CoordinatorError `RUN_FILE_INVALID`. */
export function explainRunFile(text: string, name: string, form: 'yaml' | 'json' = 'yaml'): Explained[] {
  const effective = parseRunFile(text, form, name);
  const schema = z.toJSONSchema(runFileSchema, { io: 'input' }) as Described;
  return [...explain(schema, '', effective, plainValue(text, form, name))];
}

function* explain(schema: Described, field: string, value: unknown, written: unknown): Generator<Explained> {
  const chosen = schema.oneOf?.find((option) => fits(option, value)) ?? schema;
  const { properties } = chosen;
  const means = schema.description ?? chosen.description ?? '';
  if (properties === undefined || value === undefined) {
    yield { field, value, from: written === undefined ? 'default' : 'file', means };
    return;
  }
  for (const [name, property] of Object.entries(properties)) {
    // What an alternative is called means what the choice means.
    const described = property.const === undefined ? property : { description: means, ...property };
    yield* explain(described, field === '' ? name : `${field}.${name}`, member(value, name), member(written, name));
  }
}

/** The alternative whose literals the value has. */
function fits({ properties = {} }: Described, value: unknown): boolean {
  return Object.entries(properties).every(
    ([name, property]) => property.const === undefined || property.const === member(value, name),
  );
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
