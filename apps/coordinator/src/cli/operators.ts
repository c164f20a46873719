/** `operator` and `token`: who may sign in to the console and the API; with a daemon over its API, without one in the home folder. */
import { Option, type Command } from 'commander';
import { z } from 'zod';
import {
  accountName,
  operatorView,
  operatorWithLink,
  permissions,
  roleSchema,
  roles,
  tokenView,
  tokenWithSecret,
  type LinkView,
  type OperatorView,
  type OperatorWithLink,
  type Permission,
  type Role,
} from '@consilium/operator-api';
import { CoordinatorError } from '../errors.js';
import { withOperators } from './operator-access.js';
import type { DaemonOptions } from './daemon.js';
import { formatOption, homeOption, say, table, wholeNumber, type Format } from './output.js';

type Options = DaemonOptions & Format;

const asking = (group: Command, name: string, description: string): Command =>
  group
    .command(name)
    .description(description)
    .addOption(homeOption())
    .option('--url <url>', 'address of the daemon (default: the one that serves the home)')
    .option('--token-file <file>', 'token of the operator (default: api-token in the home)')
    .addOption(formatOption());

/** @throws {@link CoordinatorError} `BAD_OPTION`. */
function named(name: string): string {
  const parsed = accountName.safeParse(name);
  if (!parsed.success)
    throw new CoordinatorError('BAD_OPTION', `${JSON.stringify(name)}: expected a-z, 0-9 and inner . _ @ -`);
  return parsed.data;
}

const inPath = (name: string): string => encodeURIComponent(named(name));

export function addOperatorCommands(program: Command): void {
  const operator = program.command('operator').description('accounts of the console');

  asking(operator, 'list', 'accounts, their roles, and when they last signed in').action(async (options: Options) => {
    const list = await withOperators(options, (api) => api.ask('GET', '/operators', z.array(operatorView)));
    if (options.format === 'json') for (const one of list) say(options, one, '');
    else
      say(options, list, list.length === 0 ? 'nobody yet: operator link prints the setup link' : operatorTable(list));
  });

  asking(operator, 'add <name>', 'make an account, and print the one-time link that chooses its password')
    .addOption(new Option('--role <role>', 'what it may do').choices([...roles]).default('viewer'))
    .action(async (name: string, options: Options & { role: Role }) => {
      const body = { name: named(name), role: roleSchema.parse(options.role) };
      await withOperators(options, async (api) => {
        const made = await api.ask('POST', '/operators', operatorWithLink, body);
        sayLink(options, made, `${api.url()}/#welcome=${made.link.token}`, 'to choose a password');
      });
    });

  const states = [
    ['disable', 'disabled', 'end the sessions of an account and let it sign in no more; its tokens rest'],
    ['enable', 'active', 'let a disabled account sign in again'],
  ] as const;
  for (const [verb, state, description] of states) {
    asking(operator, `${verb} <name>`, description).action(async (name: string, options: Options) => {
      const after = await withOperators(options, (api) =>
        api.ask('PATCH', `/operators/${inPath(name)}`, operatorView, { state }),
      );
      say(options, after, `${after.name} is ${after.state}`);
    });
  }

  asking(operator, 'role <name> <role>', 'give an account another role').action(
    async (name: string, role: string, options: Options) => {
      if (!(roles as readonly string[]).includes(role)) {
        throw new CoordinatorError('BAD_OPTION', `role: expected ${roles.join(', ')}`);
      }
      const after = await withOperators(options, (api) =>
        api.ask('PATCH', `/operators/${inPath(name)}`, operatorView, { role }),
      );
      say(options, after, `${after.name} is ${after.role}`);
    },
  );

  asking(operator, 'remove <name>', 'remove an account with its sessions and tokens').action(
    async (name: string, options: Options) => {
      await withOperators(options, (api) => api.ask('DELETE', `/operators/${inPath(name)}`, z.undefined()));
      say(options, { removed: name }, `${name} is removed`);
    },
  );

  asking(operator, 'reset <name>', 'print a one-time link that chooses a new password').action(
    async (name: string, options: Options) => {
      await withOperators(options, async (api) => {
        const made = await api.ask('POST', `/operators/${inPath(name)}/reset`, operatorWithLink);
        sayLink(options, made, `${api.url()}/#welcome=${made.link.token}`, 'to choose a password');
      });
    },
  );

  asking(
    operator,
    'link [name]',
    'print a one-time link that signs in; without a name the link that makes the first account',
  ).action(async (name: string | undefined, options: Options) => {
    await withOperators(options, async (api) => {
      if (name === undefined) {
        const link = await api.setUpLink();
        const url = `${api.url()}/#setup=${link.token}`;
        say(options, { url, expiresAt: link.expiresAt }, `open once, to make the first account:\n${url}`);
        return;
      }
      const made = await api.ask('POST', `/operators/${inPath(name)}/link`, operatorWithLink);
      sayLink(options, made, `${api.url()}/#link=${made.link.token}`, 'to sign in');
    });
  });

  addTokenCommands(program);
}

function addTokenCommands(program: Command): void {
  const token = program.command('token').description('tokens for programs that use the API');

  asking(token, 'create <name>', 'make a token and print it, this once')
    .requiredOption('--scope <scope...>', `what it may do: ${permissions.join(', ')}`)
    .option('--days <n>', 'until it expires (default: never)', wholeNumber)
    .action(async (name: string, options: Options & { scope: Permission[]; days?: number }) => {
      const unknown = options.scope.filter((scope) => !permissions.includes(scope));
      if (unknown.length > 0) throw new CoordinatorError('BAD_OPTION', `scope: expected ${permissions.join(', ')}`);
      const body = {
        name: named(name),
        scopes: options.scope,
        ...(options.days !== undefined && { days: options.days }),
      };
      const made = await withOperators(options, (api) => api.ask('POST', '/tokens', tokenWithSecret, body));
      say(options, { ...made.token, secret: made.secret }, made.secret);
    });

  asking(token, 'list', 'tokens, what they may do, and when they were last used').action(async (options: Options) => {
    const list = await withOperators(options, (api) => api.ask('GET', '/tokens', z.array(tokenView)));
    if (options.format === 'json') for (const one of list) say(options, one, '');
    else {
      const rows = list.map(({ name, scopes, createdBy, lastUsedAt, expiresAt }) => [
        ...[name, scopes.join(' '), createdBy, lastUsedAt ?? '-', expiresAt ?? 'never'],
      ]);
      say(
        options,
        list,
        list.length === 0 ? 'no tokens' : table(['TOKEN', 'MAY', 'MADE BY', 'LAST USED', 'EXPIRES'], rows),
      );
    }
  });

  asking(token, 'revoke <name>', 'make a token worthless').action(async (name: string, options: Options) => {
    await withOperators(options, (api) => api.ask('DELETE', `/tokens/${inPath(name)}`, z.undefined()));
    say(options, { revoked: name }, `${name} is revoked`);
  });
}

const operatorTable = (list: readonly OperatorView[]): string =>
  table(
    ['NAME', 'ROLE', 'STATE', 'SIGNS IN', 'LAST'],
    list.map(({ name, role, state, from, lastSignInAt }) => [name, role, state, from, lastSignInAt ?? '-']),
  );

function sayLink(options: Format, { operator, link }: OperatorWithLink, url: string, what: string): void {
  const { name, role } = operator;
  const value: { url: string } & Pick<LinkView, 'expiresAt'> = { url, expiresAt: link.expiresAt };
  say(options, { name, role, ...value }, `${name} (${role}); open once before ${link.expiresAt}, ${what}:\n${url}`);
}
