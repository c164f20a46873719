/** The OpenAPI 3.1 description, made of the very schemas that parse and type the API. */
import { z } from 'zod';
import { CSRF_HEADER, errorSchema } from '@consilium/operator-api';
import { HTTP_STATUS, type ApiCode } from './api-error.js';
import { OPERATIONS, type Operation } from './operations-table.js';

/** `METHOD /path` of what is for anybody: the door lets it through. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set(
  Object.entries(OPERATIONS)
    .filter(([, { needs }]) => needs === 'nothing')
    .map(([name]) => name.replace(' /', ' /api/v1/'))
    // A page asks whether it is signed in before anybody is: that is no attack.
    .concat('GET /api/v1/session'),
);

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output' = 'output'): object =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' });

function parametersOf(path: string, query: z.ZodObject | undefined): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query', required: false, schema: schemaOf(schema as z.ZodType, 'input') },
  }));
  return [...inPath, ...inQuery];
}

/** Every operation may be refused for these. */
const ALWAYS: readonly ApiCode[] = ['RATE_LIMITED'];
const SIGNED_IN: readonly ApiCode[] = ['UNAUTHORIZED', 'FORBIDDEN', 'STORE_UNAVAILABLE'];

function operationOf(name: string, operation: Operation) {
  const [method = '', path = ''] = name.split(' ');
  const { summary, answer, file, status = 200, body, query, refusals = [], needs, yaml = false } = operation;
  const content =
    answer === undefined ? { [file ?? 'application/json']: {} } : { 'application/json': { schema: schemaOf(answer) } };
  const changes = method === 'GET' ? [] : (['CSRF_INVALID', 'ORIGIN_REFUSED'] as const);
  const codes = new Set<ApiCode>([
    ...ALWAYS,
    ...(needs === 'nothing' ? changes.slice(1) : [...SIGNED_IN, ...changes]),
    ...(body === undefined ? [] : (['BODY_TOO_LARGE'] as const)),
    ...refusals,
  ]);
  const byStatus = new Map<number, ApiCode[]>();
  for (const code of codes) byStatus.set(HTTP_STATUS[code], [...(byStatus.get(HTTP_STATUS[code]) ?? []), code]);
  const failures = [...byStatus].map(([failure, names]) => [
    failure,
    {
      description: names.join(', '),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  ]);
  const form = body === undefined ? undefined : { schema: schemaOf(body, 'input') };
  return {
    summary,
    description:
      needs === 'nothing' ? 'For anybody.' : `Needs ${needs === 'session' ? 'a session' : `the permission ${needs}`}.`,
    ...(needs === 'nothing' && { security: [] }),
    parameters: parametersOf(path, query),
    ...(form !== undefined && {
      requestBody: { required: true, content: { 'application/json': form, ...(yaml && { 'application/yaml': form }) } },
    }),
    responses: {
      [status]: { description: 'done', ...(status !== 204 && status !== 302 && { content }) },
      ...(Object.fromEntries(failures) as object),
    },
  };
}

export function openApi() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = name.split(' ');
    (paths[`/api/v1${path}`] ??= {})[method.toLowerCase()] = operationOf(name, operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Consilium coordinator', version: '1' },
    security: [{ token: [] }, { session: [], csrf: [] }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorSchema) },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'consilium_session' },
        csrf: { type: 'apiKey', in: 'header', name: CSRF_HEADER },
      },
    },
  };
}
