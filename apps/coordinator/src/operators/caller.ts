/** Who a request comes from. */
import type { IncomingMessage } from 'node:http';
import { PERMISSIONS_OF, permissions, type Actor, type Permission, type Role } from '@consilium/operator-api';
import { isAuthorized } from '../api/token.js';
import type { Accounts } from './accounts.js';
import { API_TOKEN, HOME_NAME, type ApiTokens } from './api-tokens.js';
import { cookiesOf, SESSION_COOKIE } from './cookies.js';
import type { Session, Sessions } from './sessions.js';

export type Caller =
  | { readonly kind: 'operator'; readonly name: string; readonly role: Role; readonly session: Session }
  | { readonly kind: 'token'; readonly name: string; readonly permissions: readonly Permission[] }
  /** Whoever can read the home folder: an owner, since the coordinator's key is there as well. */
  | { readonly kind: 'home' }
  | { readonly kind: 'nobody' };

export type KnownCaller = Exclude<Caller, { kind: 'nobody' }>;

export const NOBODY = { kind: 'nobody' } as const;

export function permissionsOf(caller: Caller): readonly Permission[] {
  switch (caller.kind) {
    case 'operator':
      return PERMISSIONS_OF[caller.role];
    case 'token':
      return caller.permissions;
    case 'home':
      return permissions;
    case 'nobody':
      return [];
  }
}

/** As the activity has it. */
export function actorOf(caller: Caller): Actor {
  switch (caller.kind) {
    case 'operator':
      return { kind: caller.kind, name: caller.name, role: caller.role };
    case 'token':
      return { kind: caller.kind, name: caller.name, role: null };
    case 'home':
      return { kind: caller.kind, name: null, role: 'owner' };
    case 'nobody':
      return { kind: caller.kind, name: null, role: null };
  }
}

/** For lists, where somebody has to have a name. */
export const nameOf = (caller: KnownCaller): string => (caller.kind === 'home' ? HOME_NAME : caller.name);

export class Callers {
  readonly #known = new WeakMap<IncomingMessage, Caller>();

  /** @param homeToken - of the file `api-token`. */
  constructor(
    private readonly homeToken: string,
    private readonly parts: { readonly accounts: Accounts; readonly sessions: Sessions; readonly tokens: ApiTokens },
  ) {}

  /** Looked up once for each request. A request that shows a token is judged by it alone, whatever cookie it has. */
  of(request: IncomingMessage): Caller {
    const known = this.#known.get(request) ?? this.#find(request.headers);
    this.#known.set(request, known);
    return known;
  }

  /** @param cookie - the header: attacker-controlled. */
  bySession(cookie: string | undefined): Extract<Caller, { kind: 'operator' }> | undefined {
    const id = cookiesOf(cookie).get(SESSION_COOKIE);
    const session = id === undefined ? undefined : this.parts.sessions.use(id);
    if (session === undefined) return undefined;
    // Asked each time: a role that was taken away is gone with the next request.
    const account = this.parts.accounts.find(session.account);
    if (account?.state !== 'active') return undefined;
    return { kind: 'operator', name: account.name, role: account.role, session };
  }

  #find({ authorization, cookie }: IncomingMessage['headers']): Caller {
    if (authorization === undefined) return this.bySession(cookie) ?? NOBODY;
    if (isAuthorized(authorization, this.homeToken)) return { kind: 'home' };
    const [, secret] = /^Bearer (\S{1,100})$/i.exec(authorization) ?? [];
    const token = secret !== undefined && API_TOKEN.test(secret) ? this.parts.tokens.use(secret) : undefined;
    return token === undefined ? NOBODY : { kind: 'token', ...token };
  }
}
