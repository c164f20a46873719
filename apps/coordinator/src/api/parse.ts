/** What came with a request, parsed once. */
import type { z } from 'zod';
import { ApiError, type ApiCode } from './api-error.js';

/** @throws {@link ApiError} `QUERY_INVALID`, naming the field. */
export const parseQuery = <T>(schema: z.ZodType<T>, query: unknown): T => parsed(schema, query, 'QUERY_INVALID');

/**
 * @param body - text of any origin.
 * @throws {@link ApiError} `BODY_INVALID`, naming the field and never its value: it may be a password.
 */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === 'string' ? body : '');
  } catch {
    throw new ApiError('BODY_INVALID', 'the body is not JSON');
  }
  return parsed(schema, value, 'BODY_INVALID');
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, code: ApiCode): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
  const sentences = fields.map(({ field, message }) => [field, message].filter(Boolean).join(': '));
  throw new ApiError(code, sentences.join('; '), fields);
}
