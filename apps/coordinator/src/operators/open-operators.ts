/** Everything of a home folder that decides who may do what, put together. */
import { Accounts } from './accounts.js';
import { ActivityLog } from './activity-log.js';
import { ApiTokens } from './api-tokens.js';
import { Lockout } from './lockout.js';
import { Passwords } from './password.js';
import { Registry } from './registry.js';
import { Sessions } from './sessions.js';

export interface OpenOperators {
  readonly accounts: Accounts;
  readonly tokens: ApiTokens;
  readonly sessions: Sessions;
  readonly activity: ActivityLog;
}

/**
 * One process at a time has them open: the one that holds the lock of the home folder.
 *
 * @throws CoordinatorError `OPERATORS_INVALID`.
 */
export async function openOperators(home: string): Promise<OpenOperators> {
  const registry = await Registry.open(home);
  const accounts = new Accounts({ registry, passwords: new Passwords(), lockout: new Lockout() });
  return {
    accounts,
    tokens: new ApiTokens(registry, accounts),
    sessions: await Sessions.open(home),
    activity: await ActivityLog.open(home),
  };
}
