/** The runs of a scene: one under way, and one that has ended. */
import {
  stageNames,
  type PlaceView,
  type RoundDone,
  type RunCheck,
  type RunDetail,
  type RunSummary,
} from '@consilium/operator-api';
import type { SceneOptions } from './scenes.js';

export const hex = (n: number): string => n.toString(16).padStart(8, '0').repeat(8);

/** A small seeded source: the same scene is the same picture. */
function source(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

export const summaryOf = ({
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

export function makeRun(
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
    if (ended) return { hospital, stage: null, place: 'outside', since: null, rule: null };
    if (i % 40 === 5) return { hospital, stage: null, place: 'refused', since: null, rule: 'CLIP_NORM_TOO_LARGE' };
    const place = (['working', 'done', 'done', 'late', 'dropped', 'done', 'working', 'done'] as const)[i % 8] ?? 'done';
    return {
      hospital,
      stage: place === 'dropped' ? 'train' : 'mask',
      place,
      since: ago(20 + ((i * 7) % 60)),
      rule: null,
    };
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
    reason: ended ? 'ALL_ROUNDS_DONE' : null,
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

const exclusionOf = (hospital: string): NonNullable<RoundDone['excluded']>[number] => ({
  ...{ hospital, reason: 'FAR_FROM_OTHERS' },
  measured: { statistic: 'krum-score', value: '812.4', bound: '96.25' },
});

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
    ...(each && round % 5 === 0 && { excluded: [exclusionOf(names[2] ?? '')] }),
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

export function makeCheck(names: readonly string[]): RunCheck {
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
