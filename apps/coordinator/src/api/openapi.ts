/** The OpenAPI 3.1 description, made of the very schemas that parse and type the API. */
import { z } from 'zod';
import { runFileSchema } from '../run-file.js';
import { HTTP_STATUS, type ApiCode } from './api-error.js';
import {
  errorSchema,
  eventPage,
  eventsQuery,
  hospitalSchema,
  modelQuery,
  runDetail,
  runSummary,
} from '@consilium/operator-api';

interface Operation {
  readonly summary: string;
  /** Of a success; undefined: a safetensors file, or this description. */
  readonly answer?: z.ZodType;
  readonly file?: string;
  readonly status?: number;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly refusals?: readonly ApiCode[];
}

const decision = (summary: string): Operation => ({
  summary,
  answer: runDetail,
  refusals: ['RUN_UNKNOWN', 'RUN_ENDED', 'NOT_LEADING'],
});

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /runs': { summary: 'All runs, newest first', answer: z.array(runSummary) },
  'POST /runs': {
    summary: 'Sign the configuration of a run and begin it; the body is the run file',
    ...{ body: runFileSchema, answer: runDetail, status: 201 },
    refusals: ['RUN_FILE_INVALID', 'TOO_FEW_ENROLLED', 'RUN_EXISTS', 'BODY_TOO_LARGE', 'NOT_LEADING'],
  },
  'GET /runs/{run}': { summary: 'One run', answer: runDetail, refusals: ['RUN_UNKNOWN'] },
  'POST /runs/{run}/pause': decision('Finish the open round, begin no other'),
  'POST /runs/{run}/resume': decision('Go on after a pause'),
  'POST /runs/{run}/abort': decision('End the run now; its hospitals are told'),
  'GET /runs/{run}/events': {
    summary: 'The log of a run, oldest first',
    ...{ query: eventsQuery, answer: eventPage, refusals: ['RUN_UNKNOWN', 'QUERY_INVALID'] },
  },
  'GET /runs/{run}/model': {
    summary: 'The head after a round, of the best round so far, or of the last',
    ...{ query: modelQuery, file: 'application/octet-stream' },
    refusals: ['RUN_UNKNOWN', 'MODEL_UNKNOWN', 'QUERY_INVALID'],
  },
  'GET /hospitals': { summary: 'Enrolled hospitals, in the order of their names', answer: z.array(hospitalSchema) },
  'GET /openapi.json': { summary: 'This description', file: 'application/json' },
};

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output' = 'output'): object => z.toJSONSchema(schema, { io });

function parametersOf(path: string, query: z.ZodObject | undefined): object[] {
  const inPath = path.includes('{run}')
    ? [{ name: 'run', in: 'path', required: true, schema: { type: 'string' } }]
    : [];
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query', required: false, schema: schemaOf(schema as z.ZodType, 'input') },
  }));
  return [...inPath, ...inQuery];
}

function operationOf(path: string, { summary, answer, file, status = 200, body, query, refusals = [] }: Operation) {
  const content =
    answer === undefined ? { [file ?? 'application/json']: {} } : { 'application/json': { schema: schemaOf(answer) } };
  const codes: readonly ApiCode[] = ['UNAUTHORIZED', 'RATE_LIMITED', 'STORE_UNAVAILABLE', ...refusals];
  const byStatus = new Map<number, ApiCode[]>();
  for (const code of codes) byStatus.set(HTTP_STATUS[code], [...(byStatus.get(HTTP_STATUS[code]) ?? []), code]);
  const failures = [...byStatus].map(([failure, names]) => [
    failure,
    {
      description: names.join(', '),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  ]);
  const form = body === undefined ? undefined : schemaOf(body, 'input');
  return {
    summary,
    parameters: parametersOf(path, query),
    ...(form !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: form }, 'application/yaml': { schema: form } },
      },
    }),
    responses: { [status]: { description: 'done', content }, ...(Object.fromEntries(failures) as object) },
  };
}

export function openApi() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = name.split(' ');
    (paths[`/api/v1${path}`] ??= {})[method.toLowerCase()] = operationOf(path, operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Consilium coordinator', version: '1' },
    security: [{ operator: [] }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorSchema) },
      securitySchemes: { operator: { type: 'http', scheme: 'bearer' } },
    },
  };
}
