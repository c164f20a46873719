/** What a staged coordinator answers: a consortium of any size, with a seed, in a state that is asked for. */
import {
  PERMISSIONS_OF,
  stageNames,
  type ActivityEntry,
  type HospitalView,
  type InvitationView,
  type OperatorView,
  type PlaceView,
  type Role,
  type RoundDone,
  type RunCheck,
  type RunDetail,
  type RunSummary,
  type SessionView,
} from '@consilium/operator-api';

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
const hex = (n: number): string => n.toString(16).padStart(8, '0').repeat(8);

/** A small seeded source: the same scene is the same picture. */
function source(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

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

const summaryOf = ({
  run,
  study,
  mode,
  status,
  phase,
  round,
  rounds,
  bestRound,
  createdAt,
  hospitals,
}: RunDetail): RunSummary => ({
  ...{ run, study, mode, status, phase, round, rounds, bestRound, createdAt },
  hospitals: hospitals.length,
});

function makeRun(
  run: string,
  names: readonly string[],
  { mode = 'secagg', rounds = 12, paused = false }: SceneOptions,
  ago: (seconds: number) => string,
  ended = false,
): RunDetail {
  const random = source(run.length);
  const done = ended ? rounds : Math.min(7, rounds - 1);
  const history = Array.from({ length: done }, (_, i) => makeRound(i + 1, names, mode, random, ago((done - i) * 95)));
  const best = history.reduce((a, b) => ((b.score?.value ?? 0) > (a.score?.value ?? 0) ? b : a));
  const places = names.map((hospital, i): PlaceView => {
    if (ended) return { hospital, stage: null, place: 'outside', since: null };
    const place = (['working', 'done', 'done', 'late', 'dropped', 'done', 'working', 'done'] as const)[i % 8] ?? 'done';
    return { hospital, stage: place === 'dropped' ? 'train' : 'mask', place, since: ago(20 + ((i * 7) % 60)) };
  });
  const missing = places.filter(({ place }) => place === 'working' || place === 'late').map(({ hospital }) => hospital);
  return {
    run,
    study: 'Normal, pneumonia or covid on a frontal chest radiograph',
    mode,
    status: ended ? 'finished' : paused ? 'paused' : 'running',
    phase: ended ? 'ended' : 'masking',
    round: ended ? rounds : done + 1,
    rounds,
    bestRound: best.round,
    createdAt: ago(ended ? 860_000 : 1_800),
    reason: ended ? 'rounds-done' : null,
    configDigest: hex(3_735_928_559),
    configuration: {
      ...{
        v: 1,
        runId: run,
        mode,
        study: { name: 'Normal, pneumonia or covid', labels: ['normal', 'pneumonia', 'covid'] },
      },
      ...{
        head: { kind: 'linear', inputs: 2_048, classes: 3 },
        parameters: 6_147,
        seed: 'consilium',
        backbone: hex(77),
      },
      ...{ preprocessing: 'xray-224-v1', rounds, minHospitals: ended ? 2 : 3, clipNorm: '100' },
      training: { epochs: 2, batchSize: 32, learningRate: ended ? '0.001' : '0.002', l2: '0.1', classWeights: 'none' },
      server: { optimizer: ended ? 'fedavg' : 'fedadam', learningRate: '1' },
      ...{ gatherTimeoutMs: 3_600_000, roundTimeoutMs: 3_600_000, absenceGraceMs: 30_000, stragglers: null },
      selection: { metric: 'balancedAccuracy', patienceRounds: 0 },
      roster: names.map((hospitalId) => ({ hospitalId, identityKey: hex(5) })),
    },
    metric: 'balancedAccuracy',
    visible:
      mode === 'secagg'
        ? { updates: 'sum', figures: 'sum', colluders: 1 }
        : { updates: 'each', figures: 'each', colluders: null },
    stage: { since: ago(47), limitMs: 3_600_000 },
    timeline: {
      ...{ round: ended ? rounds : done + 1, attempt: 1, stage: ended ? null : 'mask', places },
      stages: stageNames.map((stage, i) => ({
        stage,
        state:
          mode === 'sealed' && (stage === 'mask' || stage === 'agree')
            ? 'none'
            : ended || i < 2
              ? 'done'
              : i === 2
                ? 'now'
                : 'ahead',
        since: i <= 2 ? ago(90 - i * 20) : null,
        until: i < 2 ? ago(70 - i * 20) : null,
        limitMs: i === 2 ? 600_000 : null,
        expectedMs: [900, 42_000, 11_000, 2_500, 4_000, 9_000][i] ?? null,
      })),
      next: ended
        ? null
        : {
            ...{ waitsFor: paused ? 'operator' : 'answers', needs: paused ? 0 : Math.min(3, missing.length), missing },
            ...{
              by: paused ? null : ago(-552),
              then: 'next-stage',
              otherwise: paused ? null : 'round-again',
              without: [],
            },
          },
    },
    hospitals: names.map((id, i) => ({
      ...{ id, connected: i % 8 !== 4, consented: true, absent: i % 8 === 4 },
      inRound: i % 8 === 4 ? null : 'awaited',
    })),
    history,
    events: 1_204,
  };
}

function makeRound(
  round: number,
  names: readonly string[],
  mode: string,
  random: () => number,
  startedAt: string,
): RoundDone {
  const level = 0.58 + 0.22 * (1 - Math.exp(-round / 3)) + (random() - 0.5) * 0.02;
  const figures = (shift: number) => ({
    ...{
      loss: 1.1 - level - shift,
      accuracy: level + 0.04 + shift,
      balancedAccuracy: level + shift,
      auc: Math.min(0.99, level + 0.1 + shift),
    },
    examples: 40,
  });
  const missing = round % 4 === 3 ? names.slice(1, 2) : [];
  const present = names.filter((name) => !missing.includes(name));
  const each = mode === 'sealed';
  return {
    ...{ round, startedAt, seconds: 62 + random() * 20, missing, bytes: present.length * 24_660 },
    updates: present.map((hospital, i) => ({
      ...{ hospital, examples: each ? 120 + i : null, loss: each ? 0.6 : null, bytes: 24_660 },
    })),
    examples: each ? present.length * 120 : null,
    loss: 0.9 - round * 0.04,
    model: hex(round),
    score: { value: level, hospitals: present.length, examples: present.length * 40 },
    figures: {
      global: { hospitals: present.length, ...figures(0) },
      hospitals: each
        ? present.slice(0, -1).map((hospital, i) => ({ hospital, ...figures(((i % 5) - 2) * 0.03) }))
        : null,
      suppressed: each ? present.slice(-1) : [],
    },
  };
}

function hospitalOf(id: string, i: number, ago: (seconds: number) => string): HospitalView {
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
    version: '0.1.0',
  };
}

const WORDS = 'anchor violin meadow copper lantern harbor thistle window orbit saddle ginger puzzle';

const invitationOf = (
  hospital: string,
  state: InvitationView['state'],
  ago: (seconds: number) => string,
): InvitationView => ({
  ...{ id: hospital, hospital, displayName: hospital, role: 'hospital', state, invitedAt: ago(9_000), by: 'j.osei' },
  ...{ expiresAt: ago(-500_000), usedAt: null },
});

function makeActivity(n: number, names: readonly string[], ago: (seconds: number) => string): ActivityEntry[] {
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

function pageOf(all: readonly ActivityEntry[], query: URLSearchParams): unknown {
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

function makeOperators(ago: (seconds: number) => string): OperatorView[] {
  const common = { from: 'local' as const, createdBy: 'maria.keller', createdAt: ago(4_000_000), lockedUntil: null };
  return [
    { ...common, name: 'maria.keller', role: 'owner', state: 'active', lastSignInAt: ago(60) },
    { ...common, name: 'j.osei', role: 'operator', state: 'active', lastSignInAt: ago(90_000) },
    { ...common, name: 'ethics.board', role: 'auditor', state: 'invited', lastSignInAt: null },
    { ...common, name: 'l.brandt', role: 'viewer', state: 'disabled', lastSignInAt: ago(2_000_000) },
  ];
}

function makeCheck(names: readonly string[]): RunCheck {
  return {
    valid: false,
    problems: [
      { field: 'run', message: 'expected a name' },
      { field: 'backbone', message: 'expected 64 hexadecimal digits' },
      { field: 'study.labels', message: 'expected at least two labels' },
    ],
    effective: [],
    hospitals: [...names],
    cohort: { least: 3, because: 'MODE' },
    thresholds: { hospitals: names.length, threshold: 3, tolerated: 1, mayDrop: names.length - 3 },
    overflow: { ringBits: 32, usedBits: 24.6, step: 0.00012 },
    parameters: 6_147,
    bytesPerRound: 24_660,
    yaml: 'run: xray-winter\nstudy:\n  name: Normal, pneumonia or covid\n  labels: [normal, pneumonia, covid]\nmode: secagg\n',
    approval: null,
  };
}
