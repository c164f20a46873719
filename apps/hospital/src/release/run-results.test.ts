/**
 * Claims: a run is read only if its three files belong together and its head has the length and the finite numbers that its
 * configuration says; results of others count once, and only for this run, its backbone and its roster; of a results file
 * nothing but the named figures goes on. Oracle: one fault at a time, and the codes written here.
 */
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { floatBytes } from '@consilium/tensors';
import { readResults, readRun } from './run-results.js';

const config = {
  runId: 'r1',
  mode: 'sealed',
  study: { name: 's', labels: ['a', 'b'] },
  head: { kind: 'linear', inputs: 4, classes: 2 },
  backbone: 'a'.repeat(64),
  preprocessing: 'p/1',
  training: { epochs: 1 },
  roster: [{ hospitalId: 'north' }, { hospitalId: 'south' }],
};
const figures = { accuracy: 0.5, balancedAccuracy: 0.25, auc: null };
const assessment = {
  calibrationError: 0.125,
  intervals: { accuracy: { lower: 0.4, upper: 0.6 }, balancedAccuracy: null, auc: null, perClass: [] },
  confusion: [[1, 0]],
};
const summary = (hospital: string, changes: object = {}): object => ({
  ...{ hospital, run: 'r1', rounds: 2, train: 3, validation: 0, test: 1, quarantined: {} },
  backbone: { name: 'n', hash: config.backbone, trained: true },
  localOnly: figures,
  federated: figures,
  warnings: ['stays here'],
  ...changes,
});

let folder: string;
const write = (name: string, value: unknown): Promise<void> =>
  writeFile(join(folder, name), value instanceof Uint8Array ? value : JSON.stringify(value));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-results-'));
  await write('r1.config.json', config);
  await write('r1.json', summary('north'));
  await write('r1.head', floatBytes(new Float32Array(10).fill(2)));
});
afterEach(() => rm(folder, { recursive: true }));

const read = (run = 'r1') => readRun(folder, run);
const refused = async (code: string, part: string, work: Promise<unknown>): Promise<void> => {
  await expect(work).rejects.toMatchObject({ code, message: expect.stringContaining(part) as string });
};

describe('the files of a run', () => {
  it('are read when they belong together', async () => {
    const { run, parameters, own } = await read();
    expect([run.study.labels, own.hospital, [...parameters]]).toEqual([['a', 'b'], 'north', new Array(10).fill(2)]);
  });

  it.each(['../r1', 'r1/../r1', '', '.', 'R1', 'r1\0', '-'])('are not looked for under %j', (name) =>
    refused('RUN_UNKNOWN', 'a-z', read(name)),
  );

  it.each(['r1.config.json', 'r1.json', 'r1.head'])('are unknown without %s', async (name) => {
    await rm(join(folder, name));
    await refused('RUN_UNKNOWN', 'r1', read());
  });

  it.each([
    ['a configuration of another run', 'r1.config.json', { ...config, runId: 'r2' }, 'another run'],
    ['a summary of another run', 'r1.json', summary('north', { run: 'r2' }), 'another run'],
    ['a label too few', 'r1.config.json', { ...config, study: { name: 's', labels: ['a', 'b', 'c'] } }, 'classes'],
    ['a head that is too short', 'r1.head', floatBytes(new Float32Array(9)), 'length'],
    ['a head that is not finite', 'r1.head', floatBytes(new Float32Array(10).fill(NaN)), 'finite'],
    ['a configuration without backbone', 'r1.config.json', { ...config, backbone: undefined }, 'backbone'],
    ['an accuracy above one', 'r1.json', summary('north', { federated: { ...figures, accuracy: 2 } }), 'accuracy'],
  ])('are refused with %s', async (_, name, value, part) => {
    await write(name, value);
    await refused('RESULTS_INVALID', part, read());
  });

  it('are refused when one is gigabytes, or a folder', async () => {
    await truncate(join(folder, 'r1.json'), 3 * 1024 ** 3);
    await refused('RESULTS_INVALID', 'too large', read());
    await rm(join(folder, 'r1.json'));
    await mkdir(join(folder, 'target'));
    await symlink(join(folder, 'target'), join(folder, 'r1.json'));
    await refused('RESULTS_INVALID', 'no file', read());
  });
});

describe('results of other hospitals', () => {
  const withFile = async (value: unknown) => {
    await write('other.json', value);
    const { run, own } = await read();
    return readResults(run, own, [join(folder, 'other.json')]);
  };

  it('come after the name, with their figures and nothing else', async () => {
    const details = { study: 's', localOnly: assessment, federated: assessment };
    const [north, south, ...more] = await withFile(summary('south', { details }));
    expect([north?.hospital, south?.hospital, more.length]).toEqual(['north', 'south', 0]);
    expect(north?.federated).toEqual({ ...figures, calibrationError: null, intervals: null });
    expect(south?.federated).toEqual({
      ...figures,
      calibrationError: 0.125,
      intervals: { accuracy: { lower: 0.4, upper: 0.6 }, balancedAccuracy: null, auc: null },
    });
    expect(Object.keys(south ?? {}).sort()).toEqual(['federated', 'hospital', 'images', 'localOnly', 'quarantined']);
  });

  it("may include one's own file, but no second account of a hospital", async () => {
    expect(await withFile(summary('north'))).toHaveLength(1);
    await refused('RESULTS_INVALID', 'another file of north', withFile(summary('north', { test: 2 })));
  });

  it('are refused for another run, another backbone and a hospital that was not invited', async () => {
    await refused('RESULTS_INVALID', 'run r2', withFile(summary('south', { run: 'r2' })));
    await refused('RESULTS_INVALID', 'backbone', withFile(summary('south', { backbone: { hash: 'b'.repeat(64) } })));
    await refused('RESULTS_INVALID', 'not invited', withFile(summary('west')));
  });
});
