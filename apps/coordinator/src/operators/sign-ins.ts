/** From a proof of who somebody is to a session in their browser; each try is written down, whatever comes of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PERMISSIONS_OF, type ChangePassword, type SessionView, type SignInWays } from '@consilium/operator-api';
import { ApiError, errorBody, type ApiCode } from '../api/api-error.js';
import { RateLimit } from '../gateway/rate.js';
import type { Accounts } from './accounts.js';
import type { ActivityLog } from './activity-log.js';
import { cookiesOf, DEVICE_COOKIE, OIDC_COOKIE, SESSION_COOKIE, setCookie, type Site } from './cookies.js';
import type { Elsewhere } from './elsewhere.js';
import type { Account } from './registry.js';
import { digestOf } from './secrets.js';
import type { Session, Sessions } from './sessions.js';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface SignInParts {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly activity: ActivityLog;
  readonly site: Site;
  /** Sign-in at an OpenID provider; undefined: not configured. */
  readonly elsewhere: Elsewhere | undefined;
}

type Way = 'password' | 'setup' | 'link' | 'welcome' | 'oidc';

const DEVICE_SECONDS = 180 * 86_400;
const OIDC_SECONDS = 600;
/** Failures of strangers that are written down: no flood fills the disk. */
const WRITTEN_PER_SECOND = 3;

export class SignIns {
  readonly #written = new RateLimit(undefined, WRITTEN_PER_SECOND);

  constructor(private readonly parts: SignInParts) {}

  ways(): SignInWays {
    const { accounts, elsewhere } = this.parts;
    return { setup: accounts.areNone, oidc: elsewhere === undefined ? null : { label: elsewhere.label } };
  }

  view(name: string, { csrf, expiresAt }: Session): SessionView {
    const account = this.parts.accounts.find(name);
    const role = account?.role ?? 'viewer';
    return {
      operator: { name, role, permissions: [...PERMISSIONS_OF[role]] },
      ...{ csrf, expiresAt, byPassword: account?.password !== null },
    };
  }

  byPassword(exchange: Exchange, name: string, password: string): Promise<SessionView> {
    const device = cookiesOf(exchange.request.headers.cookie).get(DEVICE_COOKIE);
    return this.#signedIn(exchange, 'password', name, () => this.parts.accounts.signIn(name, password, device));
  }

  bySetUp(exchange: Exchange, token: string, name: string, password: string): Promise<SessionView> {
    return this.#signedIn(exchange, 'setup', name, () => this.parts.accounts.setUp(token, name, password));
  }

  byLink(exchange: Exchange, token: string): Promise<SessionView> {
    return this.#signedIn(exchange, 'link', undefined, () => this.parts.accounts.followLink(token));
  }

  byWelcome(exchange: Exchange, token: string, password: string): Promise<SessionView> {
    return this.#signedIn(exchange, 'welcome', undefined, () => this.parts.accounts.followWelcome(token, password));
  }

  /** @returns Where the browser goes. @throws ApiError `OIDC_OFF`, `OIDC_FAILED`. */
  async elsewhere({ request, response }: Exchange): Promise<string> {
    const { to, secret } = await required(this.parts.elsewhere).begin();
    // Lax: the way back from the provider comes from another site. It is good for this one sign-in.
    const isSecure = this.parts.site.isSecure(request);
    setCookie(response, OIDC_COOKIE, secret, { isSecure, sameSite: 'Lax', seconds: OIDC_SECONDS });
    return to;
  }

  /** @throws ApiError `OIDC_FAILED`, and those of {@link Accounts.signInElsewhere}. */
  async back(exchange: Exchange): Promise<undefined> {
    const { request, response } = exchange;
    const secret = cookiesOf(request.headers.cookie).get(OIDC_COOKIE);
    setCookie(response, OIDC_COOKIE, '', { isSecure: this.parts.site.isSecure(request), sameSite: 'Lax', seconds: 0 });
    await this.#signedIn(exchange, 'oidc', undefined, async () => {
      const { subject, name, role } = await required(this.parts.elsewhere).finish(secret, request.url ?? '');
      return this.parts.accounts.signInElsewhere(subject, name, role);
    });
    return undefined;
  }

  async end({ request, response }: Exchange, { digest }: Session): Promise<void> {
    await this.parts.sessions.end(digest);
    setCookie(response, SESSION_COOKIE, '', { isSecure: this.parts.site.isSecure(request), seconds: 0 });
  }

  /** All sessions of the account end, and a new one begins here. */
  async changePassword(exchange: Exchange, name: string, { current, next }: ChangePassword): Promise<SessionView> {
    const device = cookiesOf(exchange.request.headers.cookie).get(DEVICE_COOKIE);
    await this.parts.accounts.changePassword(name, current, next, device);
    await this.parts.sessions.endAll(name);
    return this.#begin(exchange, name);
  }

  async #signedIn(
    exchange: Exchange,
    way: Way,
    named: string | undefined,
    prove: () => Promise<Account>,
  ): Promise<SessionView> {
    const { accounts, activity, sessions } = this.parts;
    const account = await prove().catch(async (error: unknown) => {
      // What was typed as a name may be a password: it is written down only if there is such an account.
      const name = named !== undefined && accounts.find(named) !== undefined ? named : undefined;
      await this.#refused(way, name, errorBody(error).code);
      throw error;
    });
    // A role that was lost elsewhere must not live on in an older session; and a followed link ends what it replaces.
    if (way === 'welcome') await sessions.endAll(account.name);
    const by = { kind: 'operator', name: account.name, role: account.role } as const;
    await activity.record({ by, action: 'session.begin', outcome: 'allowed', detail: { way } });
    return this.#begin(exchange, account.name);
  }

  async #begin({ request, response }: Exchange, name: string): Promise<SessionView> {
    const { accounts, sessions, site } = this.parts;
    const cookies = cookiesOf(request.headers.cookie);
    const old = cookies.get(SESSION_COOKIE);
    // Whatever id the browser brought, it gets a new one: nobody can have put it there.
    if (old !== undefined) await sessions.end(digestOf('session', old));
    const { id, session } = await sessions.begin(name);
    const device = await accounts.remember(name, cookies.get(DEVICE_COOKIE));
    const isSecure = site.isSecure(request);
    setCookie(response, SESSION_COOKIE, id, { isSecure });
    setCookie(response, DEVICE_COOKIE, device, { isSecure, seconds: DEVICE_SECONDS });
    return this.view(name, session);
  }

  async #refused(way: Way, operator: string | undefined, code: ApiCode): Promise<void> {
    if (!this.#written.take()) return;
    const by = { kind: 'nobody', name: null, role: null } as const;
    await this.parts.activity.record({
      ...{ by, action: 'session.begin', outcome: 'refused', code, detail: { way } },
      ...(operator !== undefined && { operator }),
    });
  }
}

function required(elsewhere: Elsewhere | undefined): Elsewhere {
  if (elsewhere === undefined) throw new ApiError('OIDC_OFF', 'no OpenID provider is configured: see --oidc');
  return elsewhere;
}
