/** The command line's way to a coordinator that serves: its API, with the address and the token of the home folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorSchema } from '@consilium/operator-api';
import { readToken, tokenFile } from '../api/token.js';
import { CoordinatorError, EXIT_STATUS, type CoordinatorErrorCode } from '../errors.js';

/** What a daemon writes into its home while it serves. */
export const addressSchema = z.strictObject({ url: z.url(), publicUrl: z.url().optional() });

export const addressFile = (home: string): string => join(home, 'api.json');

export interface DaemonOptions {
  readonly home: string;
  readonly url?: string;
  readonly tokenFile?: string;
}

/** Longer than any answer takes whose store works. */
const ANSWER_MS = 30_000;

export class Daemon {
  /** @param publicUrl - where people reach it: what a link begins with. */
  private constructor(
    private readonly url: string,
    private readonly token: string,
    readonly publicUrl: string,
  ) {}

  /** @throws {@link CoordinatorError} `DAEMON_UNREACHABLE` when nobody serves this home, `TOKEN_FILE_INVALID`. */
  static async find(options: DaemonOptions): Promise<Daemon> {
    const token = await readToken(options.tokenFile ?? tokenFile(options.home));
    if (options.url !== undefined) return new Daemon(options.url, token, options.url.replace(/\/$/, ''));
    const { url, publicUrl } = await servedAt(options.home);
    return new Daemon(url, token, publicUrl ?? url);
  }

  get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.ask('GET', path, schema);
  }

  /** @param body - a run file. */
  post<T>(path: string, schema: z.ZodType<T>, body?: string): Promise<T> {
    return this.ask('POST', path, schema, body);
  }

  /** @param body - a run file, or what is sent as JSON. */
  async ask<T>(method: string, path: string, schema: z.ZodType<T>, body?: string | object): Promise<T> {
    const [status, text] = await this.#send(method, path, body);
    const answer = json(text);
    if (status >= 400) throw refusalOf(status, answer);
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw new CoordinatorError('DAEMON_FAILED', 'the answer is not one of this version');
    return parsed.data;
  }

  async #send(method: string, path: string, body: string | object | undefined): Promise<[number, string]> {
    try {
      const response = await fetch(new URL(`/api/v1${path}`, this.url), {
        method,
        headers: {
          authorization: `Bearer ${this.token}`,
          ...(body !== undefined && {
            'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json',
          }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        // The token is for this address alone.
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return [response.status, await response.text()];
    } catch {
      throw new CoordinatorError('DAEMON_UNREACHABLE', `no coordinator answers at ${this.url}`);
    }
  }
}

async function servedAt(home: string): Promise<z.infer<typeof addressSchema>> {
  try {
    const text = await readFile(addressFile(home), 'utf8');
    return addressSchema.parse(JSON.parse(text));
  } catch {
    throw new CoordinatorError(
      'DAEMON_UNREACHABLE',
      `no coordinator serves ${home}: start one with consilium-coordinator serve, or name its address with --url`,
    );
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code of the API is the code of the command, where both know it. */
function refusalOf(status: number, answer: unknown): CoordinatorError {
  const parsed = errorSchema.safeParse(answer);
  if (!parsed.success) return new CoordinatorError('DAEMON_FAILED', `the answer has status ${status} and no reason`);
  const { code, message, fields } = parsed.data;
  if (Object.hasOwn(EXIT_STATUS, code)) return new CoordinatorError(code as CoordinatorErrorCode, message, fields);
  return new CoordinatorError('DAEMON_FAILED', `${code}: ${message}`);
}
