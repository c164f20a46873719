/** The fields of the form, out of the very schema that checks a run file: what the file may say, the form asks. Pure. */
import { runFileSchema } from '@consilium/operator-api';
import { z } from 'zod';

interface Base {
  /** Names joined by dots, as problems name them. */
  readonly path: string;
  readonly means: string | undefined;
  readonly required: boolean;
  readonly fallback: unknown;
}

export type Field =
  | (Base & { readonly kind: 'text'; readonly most: number | undefined })
  | (Base & {
      readonly kind: 'number';
      readonly whole: boolean;
      readonly least: number | undefined;
      readonly most: number | undefined;
    })
  | (Base & { readonly kind: 'choice'; readonly values: readonly string[] })
  | (Base & { readonly kind: 'list' })
  | (Base & { readonly kind: 'switch' })
  | (Base & { readonly kind: 'group'; readonly fields: readonly Field[] })
  /** One of several shapes, told apart by the constant of `tag`. */
  | (Base & { readonly kind: 'variant'; readonly tag: string; readonly shapes: readonly Shape[] });

export interface Shape {
  readonly value: string;
  readonly means: string | undefined;
  readonly fields: readonly Field[];
}

/** What of JSON Schema zod writes for a run file. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxLength?: number;
}

export function runFileFields(): readonly Field[] {
  return fieldsOf(z.toJSONSchema(runFileSchema, { io: 'input' }) as Node, '');
}

export function fieldsOf({ properties = {}, required = [] }: Node, path: string): Field[] {
  return Object.entries(properties).map(([name, node]) =>
    fieldOf(node, path === '' ? name : `${path}.${name}`, required.includes(name)),
  );
}

function fieldOf(node: Node, path: string, required: boolean): Field {
  const base: Base = { path, means: node.description, required, fallback: node.default };
  const shapes = node.oneOf ?? node.anyOf;
  if (shapes !== undefined) return variantOf(shapes, base);
  if (node.const !== undefined) return { ...base, kind: 'choice', values: [String(node.const)] };
  if (node.enum !== undefined) return { ...base, kind: 'choice', values: node.enum.map(String) };
  switch (node.type) {
    case 'integer':
    case 'number':
      return {
        ...{ ...base, kind: 'number', whole: node.type === 'integer' },
        ...{ least: node.minimum ?? node.exclusiveMinimum, most: node.maximum ?? node.exclusiveMaximum },
      };
    case 'boolean':
      return { ...base, kind: 'switch' };
    case 'array':
      return { ...base, kind: 'list' };
    case 'object':
      return { ...base, kind: 'group', fields: fieldsOf(node, path) };
    default:
      return { ...base, kind: 'text', most: node.maxLength };
  }
}

function variantOf(shapes: readonly Node[], base: Base): Field {
  // Values alone, as numbers or a word: one text takes them all, and the check says what is wrong.
  const objects = shapes.filter(({ type }) => type === 'object');
  if (objects.length < shapes.length) {
    const words = shapes.map((shape) => shape.const).filter((value) => value !== undefined);
    return words.length === shapes.length
      ? { ...base, kind: 'choice', values: words.map(String) }
      : { ...base, kind: 'text', most: undefined };
  }
  const tag = tagOf(objects);
  return {
    ...{ ...base, kind: 'variant', tag },
    shapes: objects.map((shape) => {
      const properties = shape.properties ?? {};
      const others = Object.fromEntries(Object.entries(properties).filter(([name]) => name !== tag));
      return {
        value: String(properties[tag]?.const),
        means: properties[tag]?.description,
        fields: fieldsOf({ ...shape, properties: others }, base.path),
      };
    }),
  };
}

const tagOf = ([first]: readonly Node[]): string =>
  Object.entries(first?.properties ?? {}).find(([, node]) => node.const !== undefined)?.[0] ?? 'kind';
