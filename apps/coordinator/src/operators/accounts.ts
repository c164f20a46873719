/** Accounts: who may sign in, by what, and as whom. */
import type { LinkView, OperatorView, Role } from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import type { Lockout } from './lockout.js';
import type { Passwords } from './password.js';
import type { Account, Entries, Link, Registry } from './registry.js';
import { digestOf, newSecret } from './secrets.js';

const HOUR_MS = 3_600_000;
/** How long a link is good for, if nobody follows it before. */
const LINK_MS = { setup: 24 * HOUR_MS, link: HOUR_MS / 6, welcome: 72 * HOUR_MS } as const;
/** Browsers that an account is known by. */
const DEVICES = 10;

export interface AccountParts {
  readonly registry: Registry;
  readonly passwords: Passwords;
  readonly lockout: Lockout;
  /** Since 1970. */
  readonly nowMs?: () => number;
}

/** Who an OpenID provider says that somebody is. */
export interface Subject {
  readonly issuer: string;
  readonly sub: string;
}

const isOwner = ({ role, state }: Account): boolean => role === 'owner' && state === 'active';

export class Accounts {
  readonly #nowMs: () => number;

  constructor(private readonly parts: AccountParts) {
    this.#nowMs = parts.nowMs ?? Date.now;
  }

  get areNone(): boolean {
    return this.parts.registry.now.accounts.length === 0;
  }

  find(name: string): Account | undefined {
    return this.parts.registry.now.accounts.find((one) => one.name === name);
  }

  list(): OperatorView[] {
    return this.parts.registry.now.accounts.map((one) => this.#view(one));
  }

  /** The link that makes the first account; one made before is worth nothing any more. @throws {@link ApiError} `SET_UP`. */
  async setUpLink(): Promise<LinkView> {
    return this.parts.registry.update((entries) => {
      if (entries.accounts.length > 0) throw new ApiError('SET_UP', 'there are accounts already');
      return this.#newLink(entries, 'setup', null);
    });
  }

  /** Makes the first account, an owner. @throws {@link ApiError} `LINK_INVALID`. */
  async setUp(secret: string, name: string, password: string): Promise<Account> {
    this.#findLink(this.parts.registry.now, 'setup', secret);
    const hash = await this.parts.passwords.hash(password);
    return this.parts.registry.update((entries) => {
      // Once more, and used up: two may have followed it at the same moment.
      this.#useLink(entries, 'setup', secret);
      if (entries.accounts.length > 0) throw new ApiError('LINK_INVALID', 'there are accounts already');
      const account = this.#newAccount(name, 'owner', 'the setup link');
      entries.accounts.push({ ...account, state: 'active', password: hash, lastSignInAt: this.#now() });
      return account;
    });
  }

  /**
   * @param device - secret of a device cookie: attacker-controlled.
   * @throws {@link ApiError} `SIGN_IN_FAILED` for every reason alike; `LOCKED_OUT`; `RATE_LIMITED`.
   */
  async signIn(name: string, password: string, device?: string): Promise<Account> {
    const { lockout, passwords } = this.parts;
    const known = this.knownDevice(name, device);
    const waitMs = lockout.waitMs(name, known);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      throw new ApiError('LOCKED_OUT', `too many wrong passwords: try again in ${seconds} s, or use a sign-in link`);
    }
    // Counted before it is known: many at the same moment are many tries.
    lockout.failed(name, known);
    const account = this.find(name);
    const fits = await passwords.verify(account?.password ?? undefined, password);
    if (!fits || account?.state !== 'active') throw new ApiError('SIGN_IN_FAILED', 'no such name with this password');
    lockout.succeeded(name, known);
    return this.#signedIn(name);
  }

  /** Signs in, once. @throws {@link ApiError} `LINK_INVALID`. */
  async followLink(secret: string): Promise<Account> {
    const { account } = await this.parts.registry.update((entries) => this.#useLink(entries, 'link', secret));
    if (account === null || this.find(account)?.state !== 'active') throw invalidLink();
    return this.#signedIn(account);
  }

  /** Chooses a password and signs in, once. @throws {@link ApiError} `LINK_INVALID`. */
  async followWelcome(secret: string, password: string): Promise<Account> {
    this.#findLink(this.parts.registry.now, 'welcome', secret);
    const hash = await this.parts.passwords.hash(password);
    const name = await this.parts.registry.update((entries) => {
      const { account } = this.#useLink(entries, 'welcome', secret);
      const found = entries.accounts.find((one) => one.name === account);
      if (found === undefined || found.state === 'disabled') throw invalidLink();
      Object.assign(found, { password: hash, state: 'active' });
      return found.name;
    });
    return this.#signedIn(name);
  }

  /** @throws {@link ApiError} `SIGN_IN_FAILED`, `LOCKED_OUT`, `PASSWORD_ABSENT`. */
  async changePassword(name: string, current: string, next: string, device?: string): Promise<void> {
    if (this.find(name)?.password === null) {
      throw new ApiError('PASSWORD_ABSENT', 'this account signs in elsewhere and has no password here');
    }
    await this.signIn(name, current, device);
    const hash = await this.parts.passwords.hash(next);
    await this.parts.registry.update((entries) => {
      found(entries, name).password = hash;
    });
  }

  /**
   * The account of somebody whom an OpenID provider vouches for, with the role that it has there now.
   *
   * @throws {@link ApiError} `OPERATOR_EXISTS` when the name is another account's; `SIGN_IN_FAILED` when it is disabled.
   */
  async signInElsewhere(subject: Subject, name: string, role: Role): Promise<Account> {
    const signedIn = await this.parts.registry.update((entries) => {
      const same = entries.accounts.find(
        (one) => one.subject?.issuer === subject.issuer && one.subject.sub === subject.sub,
      );
      if (same?.state === 'disabled') throw new ApiError('SIGN_IN_FAILED', 'this account is disabled');
      if (same !== undefined) {
        same.role = role;
        return same.name;
      }
      // Never by name: whoever may choose a name there must not become somebody here.
      if (entries.accounts.some((one) => one.name === name)) {
        throw new ApiError('OPERATOR_EXISTS', `there is another account of the name ${name}`);
      }
      entries.accounts.push({ ...this.#newAccount(name, role, subject.issuer), state: 'active', subject });
      return name;
    });
    return this.#signedIn(signedIn);
  }

  /** @throws {@link ApiError} `OPERATOR_EXISTS`. */
  add(name: string, role: Role, by: string): Promise<{ operator: OperatorView; link: LinkView }> {
    return this.parts.registry.update((entries) => {
      if (entries.accounts.some((one) => one.name === name)) {
        throw new ApiError('OPERATOR_EXISTS', `there is an account of the name ${name} already`);
      }
      const account = this.#newAccount(name, role, by);
      entries.accounts.push(account);
      return { operator: this.#view(account), link: this.#newLink(entries, 'welcome', name) };
    });
  }

  /** @throws {@link ApiError} `OPERATOR_UNKNOWN`, `LAST_OWNER`. */
  change(name: string, change: { role?: Role | undefined; state?: 'active' | 'disabled' | undefined }) {
    return this.parts.registry.update((entries) => {
      const account = found(entries, name);
      if (change.role !== undefined) account.role = change.role;
      // Who has not chosen a password yet is invited again, not active.
      const isBare = account.password === null && account.subject === null;
      if (change.state !== undefined) account.state = change.state === 'active' && isBare ? 'invited' : change.state;
      if (account.state === 'disabled') entries.links = entries.links.filter((link) => link.account !== name);
      this.#keepAnOwner(entries);
      return this.#view(account);
    });
  }

  /** @throws {@link ApiError} `OPERATOR_UNKNOWN`, `LAST_OWNER`. */
  remove(name: string): Promise<void> {
    return this.parts.registry.update((entries) => {
      found(entries, name);
      entries.accounts = entries.accounts.filter((one) => one.name !== name);
      entries.links = entries.links.filter((link) => link.account !== name);
      entries.devices = entries.devices.filter((one) => one.account !== name);
      // A later account of this name is somebody else.
      entries.tokens = entries.tokens.filter((one) => one.createdBy !== name);
      this.#keepAnOwner(entries);
    });
  }

  /** The old password goes on until the link is followed. @throws {@link ApiError} `OPERATOR_UNKNOWN`, `PASSWORD_ABSENT`. */
  reset(name: string): Promise<{ operator: OperatorView; link: LinkView }> {
    return this.parts.registry.update((entries) => {
      const account = found(entries, name);
      if (account.subject !== null) throw new ApiError('PASSWORD_ABSENT', 'this account signs in elsewhere');
      return { operator: this.#view(account), link: this.#newLink(entries, 'welcome', name) };
    });
  }

  /** Signs in whoever follows it, once. @throws {@link ApiError} `OPERATOR_UNKNOWN`. */
  link(name: string): Promise<{ operator: OperatorView; link: LinkView }> {
    return this.parts.registry.update((entries) => {
      const account = found(entries, name);
      // Whoever may make this link has said who that is: no password is needed any more.
      if (account.state === 'invited') account.state = 'active';
      if (account.state === 'disabled') throw new ApiError('OPERATOR_UNKNOWN', `the account ${name} is disabled`);
      return { operator: this.#view(account), link: this.#newLink(entries, 'link', name) };
    });
  }

  /** @returns The digest of the device if this account has signed in from it. */
  knownDevice(account: string, device: string | undefined): string | undefined {
    if (device === undefined) return undefined;
    const digest = digestOf('device', device);
    const isKnown = this.parts.registry.now.devices.some((one) => one.account === account && one.digest === digest);
    return isKnown ? digest : undefined;
  }

  /** @returns The secret for the cookie of a browser that has just signed in. */
  async remember(account: string, device: string | undefined): Promise<string> {
    const secret = device !== undefined && this.knownDevice(account, device) !== undefined ? device : newSecret();
    const digest = digestOf('device', secret);
    await this.parts.registry.update((entries) => {
      const others = entries.devices.filter((one) => one.account === account && one.digest !== digest);
      const own = [...others, { account, digest, lastAt: this.#now() }].slice(-DEVICES);
      entries.devices = [...entries.devices.filter((one) => one.account !== account), ...own];
    });
    return secret;
  }

  async #signedIn(name: string): Promise<Account> {
    return this.parts.registry.update((entries) => {
      const account = found(entries, name);
      account.lastSignInAt = this.#now();
      return { ...account };
    });
  }

  #newAccount(name: string, role: Role, createdBy: string): Account {
    return {
      ...{ name, role, state: 'invited', password: null, subject: null },
      ...{ createdAt: this.#now(), createdBy, lastSignInAt: null },
    };
  }

  /** Replaces an older one of the same kind. */
  #newLink(entries: Entries, kind: Link['kind'], account: string | null): LinkView {
    const secret = newSecret();
    const expiresAt = new Date(this.#nowMs() + LINK_MS[kind]).toISOString();
    const others = entries.links.filter((link) => link.kind !== kind || link.account !== account);
    entries.links = [...others, { kind, digest: digestOf('link', secret), account, expiresAt }];
    return { token: secret, expiresAt };
  }

  #findLink({ links }: Readonly<Entries>, kind: Link['kind'], secret: string): Link {
    const digest = digestOf('link', secret);
    const link = links.find((one) => one.kind === kind && one.digest === digest);
    if (link === undefined || Date.parse(link.expiresAt) <= this.#nowMs()) throw invalidLink();
    return link;
  }

  #useLink(entries: Entries, kind: Link['kind'], secret: string): Link {
    const link = this.#findLink(entries, kind, secret);
    entries.links = entries.links.filter((one) => one !== link);
    return link;
  }

  #keepAnOwner({ accounts }: Entries): void {
    const had = this.parts.registry.now.accounts.some(isOwner);
    if (had && !accounts.some(isOwner)) throw new ApiError('LAST_OWNER', 'this is the last owner: make another first');
  }

  #view(account: Account): OperatorView {
    const { name, role, state, subject, createdAt, createdBy, lastSignInAt } = account;
    const waitMs = this.parts.lockout.waitMs(name);
    return {
      ...{ name, role, state, createdAt, createdBy, lastSignInAt, from: subject === null ? 'local' : 'oidc' },
      lockedUntil: waitMs === 0 ? null : new Date(this.#nowMs() + waitMs).toISOString(),
    };
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}

function found({ accounts }: Entries, name: string): Account {
  const account = accounts.find((one) => one.name === name);
  if (account === undefined) throw new ApiError('OPERATOR_UNKNOWN', 'there is no such operator');
  return account;
}

const invalidLink = (): ApiError =>
  new ApiError('LINK_INVALID', 'this link was used before, has expired, or was replaced: ask for a new one');
