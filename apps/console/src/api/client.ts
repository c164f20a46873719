/** The one way to the coordinator: same origin, cookie of the session, answers parsed once, failures as one class. */
import { CSRF_HEADER, errorSchema, type ErrorAnswer } from '@consilium/operator-api';
import type { z } from 'zod';
import { noteServerTime } from './server-clock.js';

/** Below the page's own address, so that a proxy may put both under a path. */
export const apiUrl = (path: string): string => new URL(`api/v1/${path}`, document.baseURI).href;

/** `UNREACHABLE`: nobody answered. `UNEXPECTED`: an answer that this page does not know, as of another version. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly fields: NonNullable<ErrorAnswer['fields']> = [],
  ) {
    super(message);
  }
}

export const isUnreachable = (error: unknown): boolean =>
  error instanceof ApiFailure && (error.code === 'UNREACHABLE' || error.status === 502 || error.status === 503);

let csrf = '';
let signedOut = (): void => undefined;

/** The value that every changing request repeats; it stays in memory. */
export function keepCsrf(value: string): void {
  csrf = value;
}

/** @param listener - called when an answer says that the session is over. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  /** Text that is sent as it is: a run file. */
  readonly yaml?: string;
  readonly signal?: AbortSignal;
}

/** @throws {@link ApiFailure} */
export async function ask<T>(path: string, schema: z.ZodType<T>, asking: Asking = {}): Promise<T> {
  const response = await send(path, asking);
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) throw new ApiFailure('UNEXPECTED', path, response.status);
  return parsed.data;
}

/** For answers without a body. @throws {@link ApiFailure} */
export async function tell(path: string, asking: Asking): Promise<void> {
  await send(path, asking);
}

async function send(path: string, { method = 'GET', body, yaml, signal }: Asking): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (method !== 'GET') headers.set(CSRF_HEADER, csrf);
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (yaml !== undefined) headers.set('content-type', 'application/yaml');
  const content = yaml ?? (body === undefined ? null : JSON.stringify(body));
  const request: RequestInit = { method, headers, body: content, credentials: 'same-origin', cache: 'no-store' };
  const response = await fetch(apiUrl(path), signal === undefined ? request : { ...request, signal }).catch(
    (error: unknown) => {
      if (signal?.aborted === true) throw error;
      throw new ApiFailure('UNREACHABLE', 'the coordinator does not answer', 0);
    },
  );
  noteServerTime(response.headers.get('date'));
  if (response.ok) return response;
  throw await failureOf(response, path);
}

async function failureOf(response: Response, path: string): Promise<ApiFailure> {
  const parsed = errorSchema.safeParse(await response.json().catch(() => undefined));
  const answer = parsed.success ? parsed.data : { code: `HTTP_${response.status}`, message: response.statusText };
  // Of the sign-in itself a 401 means a wrong password, and asking who one is ends nothing.
  if (response.status === 401 && !path.startsWith('session')) signedOut();
  return new ApiFailure(answer.code, answer.message, response.status, parsed.success ? parsed.data.fields : []);
}

export interface FetchedFile {
  readonly blob: Blob;
  /** As the coordinator calls it. */
  readonly name: string | undefined;
}

/** @throws {@link ApiFailure} */
export async function fetchFile(path: string): Promise<FetchedFile> {
  const response = await send(path, {});
  const name = /filename="([^"/\\]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { blob: await response.blob(), name };
}
