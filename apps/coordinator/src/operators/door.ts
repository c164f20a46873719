/**
 * The door of the API: before anything of a request is read, it is known who asks, or it asks for one of the few things
 * that are for anybody (to sign in), or it is over. What is allowed to whom is the guard's, route by route.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { HTTP_STATUS, type ApiCode } from '../api/api-error.js';
import { inRequest } from '../operations/request-scope.js';
import type { Caller } from './caller.js';
import { cookiesOf, SESSION_COOKIE } from './cookies.js';

export interface DoorParts {
  readonly callerOf: (request: IncomingMessage) => Caller;
  /** `METHOD /path` of what is for anybody. */
  readonly open: ReadonlySet<string>;
  readonly log: Logger;
  readonly refused: (code: ApiCode) => void;
  /** A monotonic clock, milliseconds. */
  readonly nowMs?: () => number;
}

export type Door = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Failures that are answered with a reason and a line in the log, at once and per second; whoever is known is never delayed. */
const FAILURES_AT_ONCE = 10;
const FAILURES_PER_SECOND = 1;
/** Of one address: to sign in, a person needs a few. */
const TRIES_AT_ONCE = 20;
const TRIES_PER_SECOND = 1;
/** Addresses that are counted; the oldest go first. */
const ADDRESSES = 1_000;
/** A name, a password and a token of a link. */
const STRANGERS_BODY_BYTES = 4_096;

const SAYS: Readonly<Partial<Record<ApiCode, string>>> = {
  UNAUTHORIZED:
    'sign in, or show a token: Authorization: Bearer TOKEN, with an API token or the content of api-token in the home folder',
  RATE_LIMITED: 'too many requests without a valid token: wait a little',
  BODY_TOO_LARGE: 'a body of at most 4096 bytes, with its content-length, is enough to sign in',
};

export function doorOf({ callerOf, open, log, refused, nowMs = () => performance.now() }: DoorParts): Door {
  // One bucket for all: an attacker with many addresses fills neither the disk nor a table of addresses.
  const failures = new Bucket(FAILURES_AT_ONCE, FAILURES_PER_SECOND, nowMs());
  const tries = new Map<string, Bucket>();
  const mayTry = (address: string): boolean => {
    const bucket = tries.get(address) ?? new Bucket(TRIES_AT_ONCE, TRIES_PER_SECOND, nowMs());
    tries.delete(address);
    tries.set(address, bucket);
    for (const oldest of tries.keys()) {
      if (tries.size <= ADDRESSES) break;
      tries.delete(oldest);
    }
    return bucket.take(nowMs());
  };
  const refusal = (request: IncomingMessage): ApiCode | undefined => {
    const { method = '', headers, socket } = request;
    if (open.has(`${method} ${wholePath(request)}`)) {
      if (method === 'GET') return undefined;
      if (!(Number(headers['content-length'] ?? '0') <= STRANGERS_BODY_BYTES)) return 'BODY_TOO_LARGE';
      if (headers['transfer-encoding'] !== undefined) return 'BODY_TOO_LARGE';
      return mayTry(socket.remoteAddress ?? '') ? undefined : 'RATE_LIMITED';
    }
    // A session that has ended is no attack, and its page has to learn that it has.
    const isTolerated = failures.take(nowMs());
    return isTolerated || cookiesOf(headers.cookie).has(SESSION_COOKIE) ? 'UNAUTHORIZED' : 'RATE_LIMITED';
  };
  return (request, response, next) => {
    inRequest((requestId) => {
      response.setHeader('x-request-id', requestId);
      response.setHeader('cache-control', 'no-store');
      const isNobody = callerOf(request).kind === 'nobody';
      const code = isNobody ? refusal(request) : undefined;
      if (code === undefined) {
        next();
        return;
      }
      refused(code);
      if (code === 'UNAUTHORIZED' && request.headers.cookie === undefined) {
        log.warn({ code, requestId }, 'a request without a token of this coordinator');
      }
      response.writeHead(HTTP_STATUS[code], {
        'content-type': 'application/json',
        // The body of a stranger is not read: the connection ends with the answer.
        connection: 'close',
        ...(code === 'UNAUTHORIZED' && { 'www-authenticate': 'Bearer' }),
      });
      response.end(JSON.stringify({ code, message: SAYS[code] }));
    });
  };
}

/** Express takes the part that a door stands at out of `url`. */
function wholePath(request: IncomingMessage): string {
  const { originalUrl, url = '' } = request as IncomingMessage & { readonly originalUrl?: string };
  return (originalUrl ?? url).split('?', 1)[0] ?? '';
}

class Bucket {
  #left: number;

  constructor(
    private readonly atOnce: number,
    private readonly perSecond: number,
    private filledMs: number,
  ) {
    this.#left = atOnce;
  }

  take(nowMs: number): boolean {
    this.#left = Math.min(this.atOnce, this.#left + ((nowMs - this.filledMs) / 1_000) * this.perSecond);
    this.filledMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
