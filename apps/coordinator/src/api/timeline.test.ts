/**
 * Claims: the stages, each hospital's place and what happens next are those of the machine that leads the run, in both trust
 * modes: who is awaited, who is late, who dropped, how many more are needed, until when. Oracle: logs written by hand, with
 * times that were chosen here.
 */
import { describe, expect, it } from 'vitest';
import type { Digest, HospitalId, RunConfig, RunId } from '@consilium/protocol';
import type { CoordinatorEvent } from '@consilium/rounds';
import { rulesOf } from '../run/rules.js';
import { emptyHistory, withEvent } from './history.js';
import type { Refusals } from './refusals.js';
import { visibleIn } from './secure-view.js';
import { timelineOf } from './timeline.js';

const digest = (n: number): Digest => String(n).repeat(64).slice(0, 64) as Digest;
const [A, B, C] = ['anna', 'bert', 'cora'] as [HospitalId, HospitalId, HospitalId];
const START = Date.UTC(2026, 0, 1);
const at = (seconds: number): string => new Date(START + 1_000 * seconds).toISOString();

const SEALED: RunConfig = {
  ...{ v: 1, runId: 'first' as RunId, mode: 'sealed', study: { name: 'Lungs', labels: ['normal', 'covid'] } },
  ...{ head: { kind: 'linear', inputs: 4, classes: 2 }, parameters: 10, seed: 's', initialModel: digest(9) },
  ...{ backbone: digest(8), preprocessing: 'v1', weighting: 'examples', clipNorm: '100', rounds: 5, minHospitals: 2 },
  training: {
    ...{ epochs: 2, batchSize: 32, learningRate: '0.001', schedule: { kind: 'constant' }, l2: '0.1' },
    ...{ proximalMu: '0', classWeights: 'none', earlyStopPatienceEpochs: 0 },
  },
  server: { optimizer: 'fedavg', learningRate: '1' },
  ...{ gatherTimeoutMs: 60_000, roundTimeoutMs: 600_000, absenceGraceMs: 30_000, stragglers: null },
  selection: { metric: 'loss', patienceRounds: 0 },
  roster: [A, B, C].map((hospitalId, i) => ({ hospitalId, identityKey: digest(i + 1) })),
};
const SECURE: RunConfig = {
  ...{ ...SEALED, mode: 'secagg' },
  secagg: { tolerated: 0, weightCap: 1_000, zMax: 1_000_000, stageTimeoutMs: 120_000 },
};

const join = (ids: readonly HospitalId[]): CoordinatorEvent[] =>
  ids.flatMap((hospitalId): CoordinatorEvent[] => [
    { type: 'connected', hospitalId },
    { type: 'consented', hospitalId },
  ]);

/** One event each second. @param nowSeconds - when it is looked at. */
function seen(config: RunConfig, log: readonly CoordinatorEvent[], nowSeconds: number, refusals: Refusals = new Map()) {
  const rules = rulesOf(config);
  let history = emptyHistory(rules);
  for (const [i, event] of log.entries()) {
    history = withEvent(rules, history, { at: at(i + 1), event: JSON.stringify(event) });
  }
  const view = timelineOf({ config, history, createdAt: at(0), refusals }, START + 1_000 * nowSeconds);
  const places = Object.fromEntries(view.places.map(({ hospital, stage, place }) => [hospital, `${place} ${stage}`]));
  return { ...view, places, states: view.stages.map(({ state }) => state) };
}

describe('mode sealed', () => {
  const update = (hospitalId: HospitalId): CoordinatorEvent => ({
    ...{ type: 'update-accepted', planDigest: digest(1) },
    update: { hospitalId, blobDigest: digest(7), blobBytes: 100, examples: 10, loss: 0.5 },
  });
  const planned: CoordinatorEvent[] = [
    ...join([A, B, C]),
    { type: 'plan-signed', round: 1, attempt: 1, planDigest: digest(1) },
  ];

  it('waits for hospitals, and says for how many and until when', () => {
    const { stage, places, next, states } = seen(SEALED, join([A]), 5);
    expect(stage).toBe('invite');
    expect(states).toEqual(['now', 'ahead', 'none', 'none', 'ahead', 'ahead']);
    expect(places).toEqual({ anna: 'done invite', bert: 'expected invite', cora: 'expected invite' });
    expect(next).toMatchObject({
      ...{ waitsFor: 'hospitals', needs: 1, missing: [B, C], then: 'round-starts', otherwise: 'waits-on' },
      by: at(61),
    });
  });

  it('waits for updates; one that lost its hospital is dropped, one that said no has declined', () => {
    const { stage, places, next } = seen(
      SEALED,
      [...planned, update(A), { type: 'disconnected', hospitalId: B }, { type: 'timer', key: `absence:${B}` }],
      30,
    );
    expect(stage).toBe('train');
    expect(places).toEqual({ anna: 'done train', bert: 'dropped train', cora: 'working train' });
    expect(next).toMatchObject({ waitsFor: 'updates', needs: 1, missing: [C], without: [C], otherwise: 'run-ends' });
    expect(next?.by).toBe(at(7 + 600));
  });

  it('says by which rule a hospital refused, until it comes back', () => {
    const refusals: Refusals = new Map([[C, 'CLIP_NORM_TOO_LARGE']]);
    const refused: CoordinatorEvent[] = [
      ...join([A, B]),
      { type: 'connected', hospitalId: C },
      { type: 'disconnected', hospitalId: C },
    ];
    const { places, next } = seen(SEALED, refused, 10, refusals);
    expect(places).toEqual({ anna: 'done invite', bert: 'done invite', cora: 'refused null' });
    expect(next).toMatchObject({ missing: [], by: at(61) });
    const back = seen(SEALED, [...refused, { type: 'connected', hospitalId: C }], 10, refusals);
    expect(back.places).toMatchObject({ cora: 'expected invite' });
    expect(back.next).toMatchObject({ missing: [C] });
    // The round went on without it.
    const on: CoordinatorEvent[] = [
      ...[...refused, { type: 'timer' as const, key: `absence:${C}` }],
      { type: 'plan-signed', round: 1, attempt: 1, planDigest: digest(1) },
    ];
    expect(seen(SEALED, on, 10, refusals)).toMatchObject({ stage: 'train', places: { cora: 'refused null' } });
    expect(seen(SEALED, [...on, { type: 'stop' }], 10, refusals).places).toMatchObject({ cora: 'outside null' });
  });

  it('knows who is late by the round before', () => {
    const second: CoordinatorEvent[] = [
      ...planned,
      ...[A, B, C].map(update),
      { type: 'aggregated', planDigest: digest(1), model: digest(2), totalExamples: 30 },
      { type: 'plan-signed', round: 2, attempt: 1, planDigest: digest(3) },
    ];
    const begun = second.length;
    expect(seen(SEALED, second, begun + 9).places).toMatchObject({ anna: 'working train' });
    const { places, stages } = seen(SEALED, second, begun + 11);
    expect(places).toMatchObject({ anna: 'late train' });
    expect(stages.find(({ stage }) => stage === 'train')?.expectedMs).toBe(3_000);
  });

  it('waits for its operator while it is paused, and for nobody when it has ended', () => {
    expect(seen(SEALED, [...join([A]), { type: 'pause' }], 5).next).toMatchObject({ waitsFor: 'operator', by: null });
    const ended = seen(SEALED, [...planned, { type: 'stop' }], 20);
    expect(ended).toMatchObject({ stage: null, next: null, places: { anna: 'outside null' } });
  });
});

describe('mode secagg', () => {
  const said = (
    stage: Extract<CoordinatorEvent, { type: 'said' }>['stage'],
    hospitalId: HospitalId,
  ): CoordinatorEvent => ({
    ...{ type: 'said', stage, hospitalId, planDigest: digest(1) },
    word: { digest: digest(6), ...(stage === 'masking' && { blob: { digest: digest(5), bytes: 40 } }) },
  });
  const planned: CoordinatorEvent[] = [
    ...join([A, B, C]),
    { type: 'plan-signed', round: 1, attempt: 1, planDigest: digest(1) },
  ];

  it('shows what the coordinator cannot see', () => {
    expect(visibleIn(SECURE)).toEqual({ updates: 'sum', figures: 'sum', colluders: 0 });
    expect(visibleIn(SEALED)).toEqual({ updates: 'each', figures: 'each', colluders: null });
  });

  it('trains, masks, agrees and opens, in the words that people read', () => {
    const log = [...planned];
    const stages: unknown[] = [seen(SECURE, log, 20).stage];
    for (const stage of ['advertising', 'sharing', 'masking'] as const) {
      log.push(...[A, B, C].map((id) => said(stage, id)));
      stages.push(seen(SECURE, log, 20).stage);
    }
    // Two of three are the threshold: nobody waits for the last.
    log.push(said('agreeing', A), said('agreeing', B));
    stages.push(seen(SECURE, log, 20).stage);
    expect(stages).toEqual(['train', 'mask', 'mask', 'agree', 'open']);
    expect(seen(SECURE, log, 20).states).toEqual(['done', 'done', 'done', 'done', 'now', 'ahead']);
  });

  it('says who is missing, when the stage is over, and that the round is then begun again', () => {
    const { next, places } = seen(
      SECURE,
      [...planned, ...[A, B, C].map((id) => said('advertising', id)), said('sharing', A)],
      20,
    );
    expect(places).toEqual({ anna: 'done mask', bert: 'working mask', cora: 'working mask' });
    expect(next).toMatchObject({
      waitsFor: 'answers',
      // Of a sum of two each would know the other's update.
      needs: 2,
      missing: [B, C],
      otherwise: 'round-again',
      by: at(10 + 120),
    });
  });
});
