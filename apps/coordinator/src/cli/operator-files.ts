/** Operators in the files of a home folder that no daemon serves. */
import type { NewOperator, NewToken, OperatorChange } from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import { CoordinatorError, EXIT_STATUS, type CoordinatorErrorCode } from '../errors.js';
import { openOperators } from '../operators/open-operators.js';
import { Operators } from '../operators/operators.js';
import type { OperatorAccess } from './operator-access.js';

/** The address that `serve` has if it is asked for no other. */
const USUAL_URL = 'http://127.0.0.1:7433';

/** The same operations by their addresses, so that a command is written once. */
export async function inFiles<T>(home: string, work: (api: OperatorAccess) => Promise<T>): Promise<T> {
  const { accounts, activity, sessions, tokens } = await openOperators(home);
  const operators = new Operators({ accounts, tokens, sessions, changed: () => undefined });
  const by = { kind: 'home' } as const;
  const acts: Readonly<Record<string, (name: string, body: unknown) => unknown>> = {
    'GET /operators': () => operators.list(),
    'POST /operators': (_, body) => operators.add(body as NewOperator, by),
    'PATCH /operators/': (name, body) => operators.change(name, body as OperatorChange),
    'DELETE /operators/': (name) => operators.remove(name),
    'POST /operators/reset': (name) => operators.reset(name),
    'POST /operators/link': (name) => operators.link(name, by),
    'GET /tokens': () => operators.tokens(),
    'POST /tokens': (_, body) => operators.createToken(body as NewToken, by),
    'DELETE /tokens/': (name) => operators.revokeToken(name),
  };
  const record = (action: string, about: { operator?: string; detail?: Record<string, string> }) =>
    activity.record({ by: { kind: 'home', name: null, role: 'owner' }, action, outcome: 'allowed', ...about });
  try {
    return await work({
      ask: async (method, path, schema, body) => {
        const [, group = '', name = '', verb = ''] = path.split('/');
        const act = acts[`${method} /${group}${name === '' ? '' : `/${verb}`}`];
        if (act === undefined) throw new Error(`no operation ${method} ${path}`);
        const subject = name === '' ? (body as { name?: string } | undefined)?.name : decodeURIComponent(name);
        const action = `${group.slice(0, -1)}.${verb === '' ? VERBS[method] : verb}`;
        if (method !== 'GET')
          await record(action, { ...(subject !== undefined && { operator: subject }), detail: shown(body) });
        return schema.parse(await act(subject ?? '', body));
      },
      setUpLink: async () => {
        await record('operator.setup', {});
        return accounts.setUpLink();
      },
      url: () => USUAL_URL,
    });
  } catch (error) {
    throw error instanceof ApiError ? translated(error) : error;
  } finally {
    await activity.close();
  }
}

const VERBS = { GET: 'list', POST: 'add', PATCH: 'change', DELETE: 'remove' } as const;

const shown = (body: object | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body ?? {})
      .filter(([field]) => field !== 'name')
      .map(([field, value]) => [field, Array.isArray(value) ? value.join(' ') : String(value)]),
  );

function translated({ code, message }: ApiError): CoordinatorError {
  const known = Object.hasOwn(EXIT_STATUS, code) ? (code as CoordinatorErrorCode) : 'BAD_OPTION';
  return new CoordinatorError(known, message);
}
