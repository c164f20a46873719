/** What a staged coordinator answers: a consortium of any size, with a seed, in a state that is asked for. */
import { PERMISSIONS_OF, type Role, type SessionView } from '@consilium/operator-api';
import { hospitalOf, invitationOf, makeActivity, makeOperators, pageOf, WORDS } from './scene-people.js';
import { hex, makeCheck, makeRun, summaryOf } from './scene-runs.js';

export interface Scene {
  answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: string,
  ): readonly [status: number, body: unknown] | undefined;
}

export interface SceneOptions {
  readonly hospitals: number;
  readonly role?: Role | null;
  readonly events?: number;
  readonly rounds?: number;
  readonly mode?: 'sealed' | 'secagg';
  readonly empty?: boolean;
  readonly paused?: boolean;
  /** A name that a hospital or an operator could have chosen. */
  readonly strangeName?: string;
}

const NAMES = ['st-anna', 'north', 'riverside', 'charite', 'lakeview', 'karolinska', 'santa-maria', 'hilltop'];

export function makeScene(options: SceneOptions): Scene {
  const { hospitals: size, role = 'owner', events = 400, empty = false } = options;
  const names = Array.from({ length: size }, (_, i) => NAMES[i] ?? `hospital-${String(i + 1).padStart(3, '0')}`);
  if (options.strangeName !== undefined) names[0] = options.strangeName;
  const now = Date.now();
  const ago = (seconds: number): string => new Date(now - seconds * 1_000).toISOString();
  const runs = empty
    ? []
    : [
        makeRun('xray-autumn', names, options, ago),
        makeRun('xray-summer', names, { ...options, mode: 'sealed' }, ago, true),
      ];
  const session: SessionView = {
    operator: {
      name: options.strangeName ?? 'maria.keller',
      role: role ?? 'viewer',
      permissions: [...PERMISSIONS_OF[role ?? 'viewer']],
    },
    csrf: 'c'.repeat(43),
    expiresAt: ago(-28_800),
    byPassword: true,
  };
  const activity = makeActivity(events, names, ago);
  return {
    answer(method, path, query) {
      if (path === 'session' && method === 'DELETE') return [204, undefined];
      if (path === 'session/ways') return [200, { setup: empty, oidc: null }];
      if (path === 'session')
        return role === null ? [401, { code: 'UNAUTHORIZED', message: 'sign in' }] : [200, session];
      if (path === 'runs') return [200, runs.map(summaryOf)];
      if (path === 'runs/check') return [200, makeCheck(names)];
      const found = runs.find(({ run }) => path === `runs/${run}`);
      if (found !== undefined) return [200, found];
      if (path === 'hospitals') return [200, empty ? [] : names.map((id, i) => hospitalOf(id, i, ago))];
      if (path === 'roster') return [200, { words: WORDS, digest: hex(9), hospitals: [] }];
      if (path === 'invitations')
        return [200, empty ? [] : [invitationOf('klinikum-west', 'open', ago), invitationOf('north', 'used', ago)]];
      if (path === 'activity') return [200, pageOf(activity, query)];
      if (path === 'operators') return [200, makeOperators(ago)];
      if (path === 'tokens') {
        const token = { name: 'grafana', scopes: ['read'], createdBy: 'maria.keller', lastUsedAt: ago(40) };
        return [200, [{ ...token, createdAt: ago(900_000), expiresAt: ago(-7_000_000) }]];
      }
      return undefined;
    },
  };
}
