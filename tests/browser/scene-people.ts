/** The hospitals, the people and the activity of a scene. */
import type { ActivityEntry, HospitalView, InvitationView, OperatorView } from '@consilium/operator-api';
import { hex } from './scene-runs.js';

export function hospitalOf(id: string, i: number, ago: (seconds: number) => string): HospitalView {
  return {
    id,
    fingerprint: hex(i + 11)
      .slice(0, 32)
      .replaceAll(/(.{4})/g, '$1 ')
      .trim(),
    connected: i % 8 !== 4,
    lastSeen: i % 8 === 4 ? ago(4_000 + i) : ago(1),
    displayName: id
      .split('-')
      .map((part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`)
      .join(' '),
    state: i === 2 ? 'provisional' : i === 6 ? 'revoked' : 'active',
    words: WORDS,
    invited: { at: ago(2_000_000), by: 'maria.keller' },
    joinedAt: ago(1_900_000),
    rotatedAt: null,
    approved: i === 2 ? null : { at: ago(1_800_000), comparedBy: 'Maria Keller', how: 'phone', by: 'maria.keller' },
    verified: null,
    revoked: i === 6 ? { at: ago(90_000), by: 'maria.keller', reason: 'left the study' } : null,
    refusals: [],
    ...{
      version: '0.1.0',
      engine: i % 3 === 1 ? 'webgpu' : 'onnxruntime-cpu',
      clockAheadMs: i % 8 === 3 ? 75_000 : 120,
    },
  };
}

export const WORDS = 'anchor violin meadow copper lantern harbor thistle window orbit saddle ginger puzzle';

export const invitationOf = (
  hospital: string,
  state: InvitationView['state'],
  ago: (seconds: number) => string,
): InvitationView => ({
  ...{ id: hospital, hospital, displayName: hospital, role: 'hospital', state, invitedAt: ago(9_000), by: 'j.osei' },
  ...{ expiresAt: ago(-500_000), usedAt: null },
});

export function makeActivity(n: number, names: readonly string[], ago: (seconds: number) => string): ActivityEntry[] {
  const types = [
    'connected',
    'consented',
    'plan-signed',
    'update-accepted',
    'update-accepted',
    'aggregated',
    'evaluated',
    'disconnected',
  ];
  const actions = ['session.begin', 'run.start', 'run.pause', 'run.resume', 'hospital.approve', 'operator.add'];
  return Array.from({ length: n }, (_, i): ActivityEntry => {
    const common = { id: String(n - i).padStart(8, '0'), at: ago(i * 13) };
    if (i % 9 === 0) {
      return {
        ...{
          ...common,
          kind: 'action',
          action: actions[(i / 9) % actions.length] ?? '',
          code: i % 27 === 0 ? 'FORBIDDEN' : null,
        },
        ...{ outcome: i % 27 === 0 ? 'refused' : 'allowed', run: null, hospital: null, operator: null, detail: {} },
        by: { kind: 'operator', name: 'maria.keller', role: 'owner' },
      };
    }
    return {
      ...{ ...common, kind: 'event', run: 'xray-autumn', seq: n - i, type: types[i % types.length] ?? '' },
      ...{ hospital: names[i % names.length] ?? null, detail: { round: Math.max(1, 8 - Math.floor(i / 40)) } },
    };
  });
}

export function pageOf(all: readonly ActivityEntry[], query: URLSearchParams): unknown {
  const kind = query.get('kind');
  const run = query.get('run');
  const hospital = query.get('hospital');
  const fits = all.filter(
    (entry) =>
      (kind === null || entry.kind === kind) &&
      (run === null || entry.run === run) &&
      (hospital === null || entry.hospital === hospital) &&
      (query.get('before') === null || entry.id < String(query.get('before'))),
  );
  const entries = fits.slice(0, Number(query.get('limit') ?? 100));
  return { entries, next: entries.length < fits.length ? (entries.at(-1)?.id ?? null) : null };
}

export function makeOperators(ago: (seconds: number) => string): OperatorView[] {
  const common = { from: 'local' as const, createdBy: 'maria.keller', createdAt: ago(4_000_000), lockedUntil: null };
  return [
    { ...common, name: 'maria.keller', role: 'owner', state: 'active', lastSignInAt: ago(60) },
    { ...common, name: 'j.osei', role: 'operator', state: 'active', lastSignInAt: ago(90_000) },
    { ...common, name: 'ethics.board', role: 'auditor', state: 'invited', lastSignInAt: null },
    { ...common, name: 'l.brandt', role: 'viewer', state: 'disabled', lastSignInAt: ago(2_000_000) },
  ];
}
