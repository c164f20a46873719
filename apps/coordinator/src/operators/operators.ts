/** What owners do with accounts and tokens; whatever ends an account ends its sessions as well. */
import type {
  LinkView,
  NewOperator,
  NewToken,
  OperatorChange,
  OperatorView,
  OperatorWithLink,
  TokenView,
  TokenWithSecret,
} from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import type { Accounts } from './accounts.js';
import type { ApiTokens } from './api-tokens.js';
import { nameOf, type KnownCaller } from './caller.js';
import type { Sessions } from './sessions.js';

export interface OperatorParts {
  readonly accounts: Accounts;
  readonly tokens: ApiTokens;
  readonly sessions: Pick<Sessions, 'endAll'>;
  /** Something of this is not as it was. */
  readonly changed: () => void;
}

export class Operators {
  constructor(private readonly parts: OperatorParts) {}

  list(): OperatorView[] {
    return this.parts.accounts.list();
  }

  tokens(): TokenView[] {
    return this.parts.tokens.list();
  }

  add({ name, role }: NewOperator, by: KnownCaller): Promise<OperatorWithLink> {
    return this.#then(this.parts.accounts.add(name, role, nameOf(by)));
  }

  async change(name: string, change: OperatorChange): Promise<OperatorView> {
    const view = await this.#then(this.parts.accounts.change(name, change));
    if (view.state === 'disabled') await this.parts.sessions.endAll(name);
    return view;
  }

  async remove(name: string): Promise<void> {
    await this.#then(this.parts.accounts.remove(name));
    await this.parts.sessions.endAll(name);
  }

  reset(name: string): Promise<OperatorWithLink> {
    return this.#then(this.parts.accounts.reset(name));
  }

  /** For the home folder alone: over the network an owner would be able to act under another's name. */
  link(name: string, by: KnownCaller): Promise<OperatorWithLink> {
    if (by.kind !== 'home') {
      throw new ApiError('FORBIDDEN', 'sign-in links are made on the machine of the coordinator: operator link NAME');
    }
    return this.#then(this.parts.accounts.link(name));
  }

  /** For the home folder alone. @throws ApiError `SET_UP`. */
  setUpLink(by: KnownCaller): Promise<LinkView> {
    if (by.kind !== 'home') throw new ApiError('FORBIDDEN', 'the setup link is made on the machine of the coordinator');
    return this.parts.accounts.setUpLink();
  }

  createToken(token: NewToken, by: KnownCaller): Promise<TokenWithSecret> {
    // A token belongs to an operator, and ends with them.
    if (by.kind === 'token') throw new ApiError('FORBIDDEN', 'a token cannot make tokens: sign in');
    return this.#then(this.parts.tokens.create(token, by.kind === 'home' ? undefined : by));
  }

  revokeToken(name: string): Promise<void> {
    return this.#then(this.parts.tokens.revoke(name));
  }

  async #then<T>(done: Promise<T>): Promise<T> {
    const result = await done;
    this.parts.changed();
    return result;
  }
}
