/** The door of the API: before anything of a request is parsed, it has shown the operator's token, or it is over. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { inRequest } from '../operations/request-scope.js';
import { HTTP_STATUS, type ApiCode } from './api-error.js';
import { isAuthorized } from './token.js';

export interface DoorParts {
  readonly token: string;
  readonly log: Logger;
  readonly refused: (code: ApiCode) => void;
  /** A monotonic clock, milliseconds. */
  readonly nowMs?: () => number;
}

export type Door = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Failures that are answered with a reason and a line in the log, at once and per second; the token itself is never delayed. */
const FAILURES_AT_ONCE = 10;
const FAILURES_PER_SECOND = 1;

export function operatorOnly({ token, log, refused, nowMs = () => performance.now() }: DoorParts): Door {
  let left = FAILURES_AT_ONCE;
  let filledMs = nowMs();
  // One bucket for all: an attacker with many addresses fills neither the disk nor a table of addresses.
  const tolerates = (): boolean => {
    const now = nowMs();
    left = Math.min(FAILURES_AT_ONCE, left + ((now - filledMs) / 1_000) * FAILURES_PER_SECOND);
    filledMs = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
  return (request, response, next) => {
    inRequest((requestId) => {
      response.setHeader('x-request-id', requestId);
      response.setHeader('cache-control', 'no-store');
      if (isAuthorized(request.headers.authorization, token)) {
        next();
        return;
      }
      const code = tolerates() ? 'UNAUTHORIZED' : 'RATE_LIMITED';
      refused(code);
      if (code === 'UNAUTHORIZED') log.warn({ code, requestId }, 'a request without the token of this coordinator');
      const message =
        code === 'UNAUTHORIZED'
          ? 'show the token of this coordinator: Authorization: Bearer TOKEN, with the content of api-token in its home folder'
          : 'too many requests without a valid token';
      response.writeHead(HTTP_STATUS[code], {
        'content-type': 'application/json',
        // The body of a stranger is not read: the connection ends with the answer.
        connection: 'close',
        ...(code === 'UNAUTHORIZED' && { 'www-authenticate': 'Bearer' }),
      });
      response.end(JSON.stringify({ code, message }));
    });
  };
}
