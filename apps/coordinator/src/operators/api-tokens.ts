/** API tokens: names, scopes, and of the secret its digest. */
import { PERMISSIONS_OF, type NewToken, type Permission, type Role, type TokenView } from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import type { Accounts } from './accounts.js';
import type { ApiToken, Registry } from './registry.js';
import { digestOf, newSecret } from './secrets.js';

/** Tells a person, and a scanner of leaked secrets, what it is. */
const PREFIX = 'consilium_';
export const API_TOKEN = /^consilium_[A-Za-z0-9_-]{43}$/;

const DAY_MS = 86_400_000;
const USE_WRITTEN_MS = 60_000;
const TOKENS = 200;

/** What `home` is called where somebody has to have a name. */
export const HOME_NAME = 'home';

export class ApiTokens {
  constructor(
    private readonly registry: Registry,
    private readonly accounts: Accounts,
    private readonly nowMs: () => number = Date.now,
  ) {}

  list(): TokenView[] {
    return this.registry.now.tokens.map(viewOf);
  }

  /**
   * @param by - the operator; undefined: whoever reads the home folder.
   * @throws {@link ApiError} `TOKEN_EXISTS`; `FORBIDDEN` for a scope that its maker does not have.
   */
  async create({ name, scopes, days }: NewToken, by: { name: string; role: Role } | undefined) {
    const beyond = by === undefined ? [] : scopes.filter((scope) => !PERMISSIONS_OF[by.role].includes(scope));
    if (beyond.length > 0) throw new ApiError('FORBIDDEN', `you may not do this yourself: ${beyond.join(', ')}`);
    const secret = `${PREFIX}${newSecret()}`;
    const now = this.nowMs();
    const token: ApiToken = {
      ...{ name, digest: digestOf('token', secret), scopes: [...new Set(scopes)], createdBy: by?.name ?? null },
      ...{ createdAt: new Date(now).toISOString(), lastUsedAt: null },
      expiresAt: days === undefined ? null : new Date(now + days * DAY_MS).toISOString(),
    };
    await this.registry.update((entries) => {
      if (entries.tokens.some((one) => one.name === name)) {
        throw new ApiError('TOKEN_EXISTS', `there is a token of the name ${name} already`);
      }
      if (entries.tokens.length >= TOKENS)
        throw new ApiError('TOKEN_EXISTS', `there are ${TOKENS} tokens: revoke some`);
      entries.tokens.push(token);
    });
    return { token: viewOf(token), secret };
  }

  /** @throws {@link ApiError} `TOKEN_UNKNOWN`. */
  revoke(name: string): Promise<void> {
    return this.registry.update((entries) => {
      const left = entries.tokens.filter((one) => one.name !== name);
      if (left.length === entries.tokens.length) throw new ApiError('TOKEN_UNKNOWN', 'there is no such token');
      entries.tokens = left;
    });
  }

  /**
   * @param secret - as it came: attacker-controlled.
   * @returns What it may do now: never more than the operator who made it.
   */
  use(secret: string): { readonly name: string; readonly permissions: readonly Permission[] } | undefined {
    const digest = digestOf('token', secret);
    const token = this.registry.now.tokens.find((one) => one.digest === digest);
    const now = this.nowMs();
    if (token === undefined || (token.expiresAt !== null && Date.parse(token.expiresAt) <= now)) return undefined;
    const maker = token.createdBy === null ? undefined : this.accounts.find(token.createdBy);
    if (token.createdBy !== null && maker?.state !== 'active') return undefined;
    this.#used(token, now);
    const { name, scopes } = token;
    return {
      name,
      permissions: maker === undefined ? scopes : scopes.filter((scope) => PERMISSIONS_OF[maker.role].includes(scope)),
    };
  }

  #used({ digest, lastUsedAt }: ApiToken, now: number): void {
    if (lastUsedAt !== null && now - Date.parse(lastUsedAt) < USE_WRITTEN_MS) return;
    const written = this.registry.update((entries) => {
      const token = entries.tokens.find((one) => one.digest === digest);
      if (token !== undefined) token.lastUsedAt = new Date(now).toISOString();
    });
    written.catch(() => undefined);
  }
}

const viewOf = ({ name, scopes, createdAt, createdBy, lastUsedAt, expiresAt }: ApiToken): TokenView => ({
  ...{ name, scopes, createdAt, lastUsedAt, expiresAt, createdBy: createdBy ?? HOME_NAME },
});
