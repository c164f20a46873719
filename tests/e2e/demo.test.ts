/**
 * Claims: (1) the demonstration ends by itself with status 0, and the last line of its standard output is result.json, of
 * exactly this shape; (2) its hospitals are processes with keys, logs and results of their own, and what each sent is its
 * sealed updates and little else; (3) the same seed gives the same figures, with any head and number of hospitals; (4) a
 * folder as people hand it over is read, what is unusable is counted by reason, and no patient is on both sides of a split.
 * Oracle: the folder's own bookkeeping, sealed sizes by formula, and the outputs themselves.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sealedSizeBytes } from '@consilium/crypto';
import { runProgram, type Ending } from '../support/programs.js';
import { shapeOf } from '../support/shape.js';
import { writeMessyFolder, type MessyFolder } from '../support/xray-folder.js';

interface Figures {
  readonly accuracy: number | null;
  readonly balancedAccuracy: number | null;
  readonly auc: number | null;
}

interface Result {
  readonly seconds: number;
  readonly rounds: readonly {
    readonly round: number;
    readonly hospitals: readonly { readonly id: string; readonly trainExamples: null; readonly loss: null }[];
    readonly totals: { readonly weight: number; readonly loss: number };
    readonly missing: readonly string[];
  }[];
  readonly hospitals: readonly {
    readonly id: string;
    readonly train: number;
    readonly test: number;
    readonly bytesSent: number;
    readonly localOnly: Figures;
    readonly federated: Figures;
    readonly quarantined: Readonly<Record<string, number>>;
    readonly warnings: readonly string[];
  }[];
  readonly lost: readonly unknown[];
  readonly pooled: Figures;
  readonly federated: Figures;
}

// Whole demonstrations: on a busy machine each takes a minute.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const SHARES = new Set(['accuracy', 'balancedAccuracy', 'auc']);
const FIGURES = { accuracy: 'share', balancedAccuracy: 'share', auc: 'share' };
/** Handshake, consent and acks; then keys, shares, agreements and reading of what is checked, of each round. */
const TALK_BYTES = { once: 4_096, perRound: 6_144 };

let directory: string;
let folder: MessyFolder;
/** Those of several tests. They run side by side, as far as the machine goes. */
let synthetic: Ending;
let messy: Ending;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-demo-'));
  folder = await writeMessyFolder(join(directory, 'given'));
  [synthetic, messy] = await Promise.all([
    demo('synthetic', '--images', '24', '--rounds', '2'),
    demo('messy', '--data', 'given', '--rounds', '1'),
  ]);
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const demo = (out: string, ...args: string[]): Promise<Ending> =>
  runProgram('demo', ['--out', out, '--format', 'json', '--epochs', '1', ...args], directory);

function resultOf({ status, stdout, stderr }: Ending): Result {
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result;
}

describe('the demonstration on synthetic X-rays', () => {
  let result: Result;
  beforeAll(() => {
    result = resultOf(synthetic);
  });
  const text = (...path: string[]): Promise<string> => readFile(join(directory, 'synthetic', ...path), 'utf8');

  it('prints result.json as the one line of standard output, progress elsewhere', async () => {
    expect(synthetic.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(await text('result.json'))).toEqual(result);
    expect(synthetic.stderr).toContain('round 2 averaged');
    expect(synthetic.stderr).toContain('Research use only.');
  });

  it('gives a result of exactly this shape', () => {
    expect(shapeOf(result, SHARES)).toEqual({
      seconds: 'number',
      rounds: [
        {
          round: 'number',
          seconds: 'number',
          hospitals: [{ id: 'string', trainExamples: 'null', loss: 'null' }],
          totals: { weight: 'number', loss: 'number' },
          missing: [],
        },
      ],
      hospitals: [
        {
          ...{ id: 'string', train: 'number', test: 'number', bytesSent: 'number' },
          ...{ localOnly: FIGURES, federated: FIGURES, pooled: FIGURES },
          seconds: {
            ...{ preparing: 'number', training: 'number', transfer: 'number', evaluating: 'number', waiting: 'number' },
          },
          ...{ quarantined: {}, warnings: [] },
        },
      ],
      lost: [],
      pooled: FIGURES,
      federated: FIGURES,
      backbone: { name: 'string', hash: 'string', trained: 'boolean' },
      ...{ engine: 'string', trainer: 'string', mode: 'string' },
      collusion: { hospitals: 'number', tolerated: 'number' },
      sums: { whole: 'number', sampled: 'number', no: 'number' },
    });
    expect(result).toMatchObject({ mode: 'secagg', backbone: { trained: false } });
  });

  it('counts every image once, and every hospital in every round', () => {
    expect(result.hospitals.map(({ train, test }) => train + test)).toEqual([24, 24, 24]);
    expect(result.rounds.map(({ round }) => round)).toEqual([1, 2]);
    const all = result.hospitals.reduce((sum, { train }) => sum + train, 0);
    for (const { hospitals, totals } of result.rounds) {
      // Nobody's own count is known where the sum is opened.
      expect(hospitals).toEqual(result.hospitals.map(({ id }) => ({ id, trainExamples: null, loss: null })));
      expect(totals.weight).toBe(all);
    }
  });

  it('runs hospitals that share no key, no log and no results', async () => {
    const ids = result.hospitals.map(({ id }) => id);
    const of = (file: string) => Promise.all(ids.map((id) => text('hospitals', id, file)));
    expect(new Set(await of('identity.key')).size).toBe(3);
    const results = await of(join('results', 'demo.json'));
    expect(results.map((json) => (JSON.parse(json) as { hospital: string }).hospital)).toEqual(ids);
    for (const [k, log] of (await of('hospital.log')).entries()) {
      const writers = log
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { hospital: string }).hospital);
      expect(new Set(writers)).toEqual(new Set([ids[k]]));
    }
    const log = (await text('coordinator', 'coordinator.log')).trimEnd().split('\n');
    const steps = log.map((line) => JSON.parse(line) as { event?: string; url?: string; hospital?: string });
    expect(steps.find(({ event }) => event === 'listening')?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const connected = steps.filter(({ event }) => event === 'connected').map(({ hospital }) => hospital);
    // Each has also called to join and to compare.
    expect([...new Set(connected)].sort()).toEqual(ids);
  });

  it('sends one masked update for each round and hospital, and little else', () => {
    // Count, weight, seven figures, four checksum words; a last vector holds those alone.
    const masked = 4 * (2_048 * 3 + 3 + 13);
    for (const { bytesSent } of result.hospitals) {
      const talk = bytesSent - 2 * masked - 4 * 13;
      expect(talk).toBeGreaterThan(0);
      expect(talk).toBeLessThan(TALK_BYTES.once + 3 * TALK_BYTES.perRound);
    }
  });
});

describe('the same seed', () => {
  it('gives the same figures again, here with two hospitals, a hidden layer and sealed updates, which nothing rounds', async () => {
    const args = [
      '--mode',
      'sealed',
      '--hospitals',
      '2',
      '--head',
      'mlp',
      '--images',
      '6',
      '--rounds',
      '2',
      '--seed',
      'again',
    ];
    const endings = await Promise.all([demo('one', ...args), demo('two', ...args)]);
    const [one, two] = endings.map(resultOf) as [Result, Result];
    const figures = ({ rounds, hospitals, pooled, federated }: Result) => ({
      rounds: rounds.map((round) => round.hospitals),
      hospitals: hospitals.map(({ id, train, test, ...rest }) => [id, train, test, rest.localOnly, rest.federated]),
      ...{ pooled, federated },
    });
    expect(one.hospitals).toHaveLength(2);
    expect(figures(two)).toEqual(figures(one));
    const sealed = sealedSizeBytes(4 * (2_048 * 256 + 256 + 256 * 3 + 3));
    expect(one.hospitals.every(({ bytesSent }) => bytesSent > 2 * sealed && bytesSent < 2.02 * sealed)).toBe(true);
  });
});

describe('the demonstration on a folder as people hand it over', () => {
  let result: Result;
  beforeAll(() => {
    result = resultOf(messy);
  });
  const hospital = (id: string): Result['hospitals'][number] => {
    const found = result.hospitals.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no hospital ${id}`);
    return found;
  };

  it('uses what can be used and counts the rest by reason', () => {
    expect(result.lost).toEqual([]);
    for (const [id, { rows, quarantined }] of Object.entries(folder.expected)) {
      expect(hospital(id).quarantined, id).toEqual(quarantined);
      const bad = Object.values(quarantined).reduce((sum, n) => sum + n, 0);
      expect(hospital(id).train + hospital(id).test, id).toBe(rows - bad);
    }
    expect(messy.stderr).toContain('warning east: TRUNCATED: 1 image quarantined');
  });

  it('follows the split of the manifest where there is one', () => {
    expect(hospital('east')).toMatchObject({ train: 4, test: 2 });
  });

  it('keeps all films of a patient on one side', () => {
    const { train, test } = hospital(folder.grouped.hospital);
    expect([train % folder.grouped.filmsPerPatient, test % folder.grouped.filmsPerPatient]).toEqual([0, 0]);
    expect(Math.min(train, test)).toBeGreaterThan(0);
  });

  it('warns where there is a single class, and gives no figure that means nothing', () => {
    expect(hospital(folder.oneClass).warnings).toEqual(['ONE_CLASS_ONLY: every training image here is covid']);
    expect(hospital(folder.oneClass).federated.auc).toBeNull();
  });
});

const real =
  process.env['CONSILIUM_TEST_DATA'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'cxr-dev');

describe('the demonstration on real X-rays', () => {
  it.skipIf(!existsSync(join(real, 'manifest.csv')))(
    'finishes (skipped unless CONSILIUM_TEST_DATA names a folder with a manifest.csv)',
    async () => {
      const result = resultOf(
        await demo('real', '--data', real, '--hospitals', '3', '--images', '12', '--rounds', '1'),
      );
      expect(result.lost).toEqual([]);
      for (const { id, train, test } of result.hospitals) {
        expect(train + test, id).toBeLessThanOrEqual(12);
        expect(train, id).toBeGreaterThan(0);
      }
    },
  );
});
