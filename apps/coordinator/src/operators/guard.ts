/**
 * Judges every request to a route: who calls, whether it comes from our own page, whether it may. It fails closed: a route
 * that does not say what it needs is refused to everybody, and so is what cannot be written down.
 */
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { CSRF_HEADER, type Permission } from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import { RateLimit } from '../gateway/rate.js';
import type { ActivityLog } from './activity-log.js';
import { actorOf, permissionsOf, type Caller, type Callers } from './caller.js';
import type { Site } from './cookies.js';
import { NEED, type JudgedRequest, type Need, type Recorded } from './needs.js';
import { PendingDeed, type About } from './pending-deed.js';
import { sameText } from './secrets.js';

export interface GuardParts {
  readonly callers: Callers;
  readonly site: Site;
  readonly activity: Pick<ActivityLog, 'record'>;
}

const READS: readonly string[] = ['GET', 'HEAD'];
/** Of one account or token. */
const REQUESTS_PER_SECOND = 50;
const RATES_KEPT = 1_000;

export class OperatorGuard implements CanActivate {
  readonly #rates = new Map<string, RateLimit>();

  constructor(private readonly parts: GuardParts) {}

  /** @throws {@link ApiError} with the reason of a refusal, which is then in the activity. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    // The socket of the hospitals has its own way of knowing who is there.
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<JudgedRequest>();
    const need = needOf(context);
    if (need === undefined) throw new ApiError('ROUTE_UNDECLARED', 'nothing says who may use this address');
    if (need.need === 'nothing') {
      // Also before anybody is signed in: another site must not sign somebody in as somebody else.
      if (!READS.includes(request.method ?? '') && !this.#isFromHere(request)) throw strangeOrigin();
      return true;
    }
    const caller = this.parts.callers.of(request);
    request.caller = caller;
    if (caller.kind === 'nobody') throw new ApiError('UNAUTHORIZED', 'sign in, or show a token');
    this.#tolerate(caller);
    const deed = this.#deed(request, caller, need);
    if (deed !== undefined) request.deed = deed;
    const refusal = this.#refusal(request, caller, need.need);
    if (refusal !== undefined) {
      // What was not to be written down at all is written down now: somebody tried what they may not.
      await (deed ?? this.#plain(request, caller, actionOf(request))).end(refusal.code);
      // The filter would write it down once more.
      delete request.deed;
      throw refusal;
    }
    if (deed !== undefined && need.recorded?.byHandler !== true) await deed.allow();
    return true;
  }

  #refusal(request: JudgedRequest, caller: Caller, need: Permission | 'session'): ApiError | undefined {
    if (caller.kind === 'operator' && !READS.includes(request.method ?? '')) {
      const csrf = request.headers[CSRF_HEADER];
      if (!this.#isFromHere(request)) return strangeOrigin();
      if (typeof csrf !== 'string' || !sameText(csrf, caller.session.csrf)) {
        return new ApiError(
          'CSRF_INVALID',
          `the header ${CSRF_HEADER} is not that of the session: load the page again`,
        );
      }
    }
    if (need === 'session') {
      return caller.kind === 'operator'
        ? undefined
        : new ApiError('FORBIDDEN', 'this is for somebody who is signed in');
    }
    if (permissionsOf(caller).includes(need)) return undefined;
    return new ApiError('FORBIDDEN', `this needs the permission ${need}`);
  }

  /** Programs send no origin; and without a session of a browser there is nothing that another site could abuse. */
  #isFromHere(request: JudgedRequest): boolean {
    const { origin, cookie } = request.headers;
    if (origin === undefined && cookie === undefined) return true;
    return this.parts.site.isOwn(origin, request);
  }

  #deed(request: JudgedRequest, caller: Caller, { recorded }: Exclude<Need, { need: 'nothing' }>) {
    const isRead = READS.includes(request.method ?? '');
    if (recorded === null) return undefined;
    if (recorded === undefined) return isRead ? undefined : this.#plain(request, caller, actionOf(request));
    return this.#plain(request, caller, recorded.action, aboutBody(request, recorded));
  }

  #plain(request: JudgedRequest, caller: Caller, action: string, more: About = {}): PendingDeed {
    return new PendingDeed(this.parts.activity, actorOf(caller), action, { ...aboutPath(request), ...more });
  }

  /** @throws {@link ApiError} `RATE_LIMITED`. */
  #tolerate(caller: Caller): void {
    // The commands on this machine are never delayed.
    if (caller.kind !== 'operator' && caller.kind !== 'token') return;
    const id = `${caller.kind} ${caller.name}`;
    const rate = this.#rates.get(id) ?? new RateLimit(undefined, REQUESTS_PER_SECOND);
    this.#rates.delete(id);
    this.#rates.set(id, rate);
    for (const oldest of this.#rates.keys()) {
      if (this.#rates.size <= RATES_KEPT) break;
      this.#rates.delete(oldest);
    }
    if (!rate.take()) throw new ApiError('RATE_LIMITED', 'too many requests: slow down');
  }
}

function needOf(context: ExecutionContext): Need | undefined {
  return (
    (Reflect.getMetadata(NEED, context.getHandler()) as Need | undefined) ??
    (Reflect.getMetadata(NEED, context.getClass()) as Need | undefined)
  );
}

/** Of a route that gives what it does no name. */
const actionOf = ({ method = '' }: JudgedRequest): string => `request.${method.toLowerCase()}`;

const strangeOrigin = (): ApiError =>
  new ApiError('ORIGIN_REFUSED', 'this request does not come from a page of this coordinator; see --public-url');

const SHOWN_CHARACTERS = 200;
/** From a path or a body: attacker-controlled. */
const shown = (value: unknown): string | number | boolean | null => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null) return value;
  const text = Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(' ') : value;
  return typeof text === 'string' ? text.toWellFormed().slice(0, SHOWN_CHARACTERS) : null;
};

function aboutPath({ params = {} }: JudgedRequest): About {
  const { run, hospital, name } = params;
  const of = (value: string | undefined) => (value === undefined ? undefined : String(shown(value)));
  return {
    ...(run !== undefined && { run: of(run) as string }),
    ...(hospital !== undefined && { hospital: of(hospital) as string }),
    ...(name !== undefined && { operator: of(name) as string }),
  };
}

function aboutBody({ body }: JudgedRequest, { subject, shown: fields = [] }: Recorded): About {
  const values = fieldsOf(body);
  const named = subject === undefined ? undefined : values[subject];
  const detail = fields.filter((field) => values[field] !== undefined).map((field) => [field, shown(values[field])]);
  return {
    ...(typeof named === 'string' && { operator: String(shown(named)) }),
    ...(detail.length > 0 && { detail: Object.fromEntries(detail) as NonNullable<About['detail']> }),
  };
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
