/**
 * Claims: a run file is refused with the name of each bad field; what it leaves out is as documented; the signed
 * configuration has the roster in hospital order and numbers as decimals, and asks for no more hospitals than are enrolled.
 * Oracle: values by hand; the digest of the initial head by SHA-256 over its bytes.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialParameters } from '@consilium/model-spec';
import { signStatement, type Enrolment } from '@consilium/protocol';
import { CoordinatorError } from './errors.js';
import { readRunFile, runConfig, runFileSchema } from './run-file.js';

const LEAST = {
  run: 'first',
  study: { name: 'Study', labels: ['normal', 'covid'] },
  mode: 'sealed',
  head: { kind: 'linear' },
  backbone: 'ab'.repeat(32),
  preprocessing: 'p-1',
};
const enrolled = ['a', 'b', 'c'].map((hospitalId) => ({ v: 1, hospitalId, identityKey: '11'.repeat(32) }) as Enrolment);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-run-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
async function complaint(text: string): Promise<string> {
  const file = join(folder, 'run.yaml');
  await writeFile(file, text);
  const error = await readRunFile(file).catch((caught: unknown) => caught);
  if (!(error instanceof CoordinatorError)) throw new Error('it was accepted');
  return `${error.code} ${error.message.replace(file, 'FILE')}`;
}

describe('readRunFile', () => {
  it.each([
    ['run', { ...LEAST, run: 'Not a name' }],
    ['study.labels', { ...LEAST, study: { name: 's', labels: ['one'] } }],
    ['mode', { ...LEAST, mode: 'open' }],
    ['head.kind', { ...LEAST, head: { kind: 'deep' } }],
    ['head.hidden', { ...LEAST, head: { kind: 'mlp', hidden: 0 } }],
    ['backbone', { ...LEAST, backbone: 'resnet50' }],
    ['rounds', { ...LEAST, rounds: 0 }],
    ['minHospitals', { ...LEAST, minHospitals: 0 }],
    ['training.learningRate', { ...LEAST, training: { learningRate: 0 } }],
    ['training.proximalMu', { ...LEAST, training: { proximalMu: -1 } }],
    ['training.classWeights', { ...LEAST, training: { classWeights: 'inverse' } }],
    ['training.earlyStopPatienceEpochs', { ...LEAST, training: { earlyStopPatienceEpochs: 1.5 } }],
    ['training.schedule.kind', { ...LEAST, training: { schedule: { kind: 'linear' } } }],
    ['training.schedule.minFactor', { ...LEAST, training: { schedule: { kind: 'cosine', minFactor: 2 } } }],
    ['training.schedule.factor', { ...LEAST, training: { schedule: { kind: 'step', everyEpochs: 1, factor: 0 } } }],
    ['roundTimeoutSeconds', { ...LEAST, roundTimeoutSeconds: -1 }],
  ])('names %s', async (field, value) => {
    expect(await complaint(JSON.stringify(value))).toMatch(
      new RegExp(`^RUN_FILE_INVALID FILE: ${field.replaceAll('.', '\\.')}: `),
    );
  });

  it('names an unknown field at its place, and all faults at once', async () => {
    const text = await complaint(JSON.stringify({ ...LEAST, rounds: 0, training: { epoch: 1 } }));
    expect(text).toMatch(/rounds: .*; training: .*"epoch"/);
  });

  it('refuses what is no YAML, an alias, and a file that is not there', async () => {
    expect(await complaint('a: [')).toBe('RUN_FILE_INVALID FILE is not YAML');
    expect(await complaint('run: &a x\nmode: *a\n')).toBe('RUN_FILE_INVALID FILE is not YAML');
    await expect(readRunFile(join(folder, 'none.yaml'))).rejects.toThrow('cannot read the run file');
  });
});

describe('runConfig', () => {
  const file = (changes: object = {}) => runFileSchema.parse({ ...LEAST, ...changes });

  it('fills in what the file leaves out', () => {
    const config = runConfig(file(), enrolled);
    expect(config).toMatchObject({
      ...{ v: 1, runId: 'first', mode: 'sealed', seed: 'consilium', rounds: 5, minHospitals: 2, weighting: 'examples' },
      head: { kind: 'linear', inputs: 2_048, classes: 2 },
      parameters: 2_048 * 2 + 2,
      training: {
        ...{ epochs: 2, batchSize: 32, learningRate: '0.001', l2: '0.1', proximalMu: '0' },
        ...{ schedule: { kind: 'constant' }, classWeights: 'none', earlyStopPatienceEpochs: 0 },
      },
      ...{ gatherTimeoutMs: 3_600_000, roundTimeoutMs: 3_600_000, absenceGraceMs: 30_000, stragglers: null },
      server: { optimizer: 'fedavg', learningRate: '1' },
      selection: { metric: 'balancedAccuracy', patienceRounds: 0 },
    });
    expect(config.roster.map(({ hospitalId }) => hospitalId)).toEqual(['a', 'b', 'c']);
    const initial = initialParameters({ kind: 'linear', inputs: 2_048, classes: 2 }, 'consilium');
    const bytes = new Uint8Array(initial.buffer, initial.byteOffset, initial.byteLength);
    expect(config.initialModel).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('says how to train, fractions as decimals', () => {
    const signed = (training: object) => {
      const config = runConfig(file({ training }), enrolled);
      // It throws for a statement that its own schema refuses.
      signStatement('run-config', config, 'coordinator', () => new Uint8Array(64));
      return config.training;
    };
    const options = { proximalMu: 0.01, classWeights: 'balanced', earlyStopPatienceEpochs: 4 };
    expect(signed({ ...options, schedule: { kind: 'cosine' } })).toMatchObject({
      ...{ proximalMu: '0.01', classWeights: 'balanced', earlyStopPatienceEpochs: 4 },
      schedule: { kind: 'cosine', minFactor: '0' },
    });
    const step = { kind: 'step', everyEpochs: 4, factor: 0.25 };
    expect(signed({ schedule: step }).schedule).toEqual({ ...step, factor: '0.25' });
  });

  it('takes the hospitals that the file names, in hospital order', () => {
    const { roster } = runConfig(file({ hospitals: ['c', 'a'] }), enrolled);
    expect(roster.map(({ hospitalId }) => hospitalId)).toEqual(['a', 'c']);
  });

  it('counts the parameters of a hidden layer', () => {
    const { parameters } = runConfig(file({ head: { kind: 'mlp', hidden: 7 }, embeddingLength: 5 }), enrolled);
    expect(parameters).toBe(5 * 7 + 7 + 7 * 2 + 2);
  });

  it('signs a robust rule, and nothing for the mean', () => {
    const five = [...enrolled, ...['d', 'e'].map((hospitalId) => ({ ...enrolled[0], hospitalId }) as Enrolment)];
    const signed = (aggregation: object, minHospitals: number) => {
      const config = runConfig(file({ aggregation, minHospitals }), five);
      signStatement('run-config', config, 'coordinator', () => new Uint8Array(64));
      return config.aggregation;
    };
    expect('aggregation' in runConfig(file(), enrolled)).toBe(false);
    expect(signed({ rule: 'mean' }, 1)).toBeUndefined();
    expect(signed({ rule: 'median' }, 3)).toEqual({ rule: 'median' });
    for (const rule of ['trimmed-mean', 'multi-krum']) {
      expect(signed({ rule, faulty: 1 }, 5)).toEqual({ rule, faulty: 1 });
    }
  });

  it.each([
    [{ rule: 'median' }, 2, /^minHospitals: median .* at least 3$/],
    [{ rule: 'trimmed-mean', faulty: 1 }, 4, /^minHospitals: trimmed-mean .* at least 5$/],
    [{ rule: 'multi-krum', faulty: 2 }, 6, /^minHospitals: multi-krum .* at least 7$/],
  ])('refuses %j with %i hospitals: the rule would mean nothing', (aggregation, minHospitals, complaint) => {
    const seven = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(
      (hospitalId) => ({ ...enrolled[0], hospitalId }) as Enrolment,
    );
    expect(() => runConfig(file({ aggregation, minHospitals }), seven)).toThrow(complaint);
  });

  it('refuses a robust rule under masks, in the file and in the statement', () => {
    const aggregation = { rule: 'median' };
    const secret = file({ mode: 'secagg', minHospitals: 3, aggregation });
    expect(() => runConfig(secret, enrolled)).toThrow(/^aggregation: median needs single updates/);
    const config = runConfig(file({ mode: 'secagg', minHospitals: 3 }), enrolled);
    const sign = (body: object) =>
      signStatement('run-config', body as typeof config, 'coordinator', () => new Uint8Array(64));
    expect(() => sign(config)).not.toThrow();
    expect(() => sign({ ...config, aggregation })).toThrow(/MESSAGE_INVALID|aggregation/);
  });

  const many = (n: number): Enrolment[] =>
    Array.from(
      { length: n },
      (_, i) => ({ v: 1, hospitalId: `h${String(i).padStart(3, '0')}`, identityKey: '11'.repeat(32) }) as Enrolment,
    );

  // c of the table in libs/secagg/SPEC.md, section 1, and c + 2 hospitals in a round, three at least.
  it.each([
    [3, 0, 3],
    [4, 1, 3],
    [7, 2, 4],
    [10, 3, 5],
    [20, 6, 8],
    [100, 33, 35],
    [200, 66, 68],
  ])('of %i hospitals tolerates %i, whatever minHospitals says, and then asks for %i', (n, tolerated, least) => {
    for (const minHospitals of [2, 3]) {
      const config = runConfig(file({ mode: 'secagg', minHospitals }), many(n));
      expect([config.secagg?.tolerated, config.minHospitals]).toEqual([tolerated, Math.max(least, minHospitals)]);
    }
  });

  it('tolerates as many as the file says, as far as two others are left', () => {
    const config = runConfig(file({ mode: 'secagg', secagg: { tolerated: 4 } }), many(6));
    expect([config.secagg?.tolerated, config.minHospitals]).toEqual([4, 6]);
    const beyond = file({ mode: 'secagg', secagg: { tolerated: 5 } });
    expect(() => runConfig(beyond, many(6))).toThrow(/^secagg.tolerated: of 6 hospitals at most 4/);
  });

  // 16,777,204 parameters, seven figures and six words are one word more than a blob of 64 MiB has.
  it.each([
    ['secagg', { kind: 'mlp', hidden: 1_742 }, 9_628, /^head.hidden: a head of 16777204 parameters is too large/],
    ['sealed', { kind: 'mlp', hidden: 1_111 }, 15_098, /^head.hidden: .* at most 67108864 bytes/],
    ['sealed', { kind: 'mlp', hidden: 8_192 }, 16_384, /^head.hidden: /],
  ])('refuses in the mode %s a head whose update no message could carry: %j', (mode, head, embeddingLength, why) => {
    expect(() => runConfig(file({ mode, minHospitals: 3, head, embeddingLength }), enrolled)).toThrow(why);
  });

  it('refuses a run that could never start, and says who is missing', () => {
    expect(() => runConfig(file({ minHospitals: 4 }), enrolled)).toThrow(/^3 enrolled, .* at least 4/);
    expect(() => runConfig(file({ hospitals: ['a', 'z'] }), enrolled)).toThrow(/^not enrolled: z$/);
    expect(() => runConfig(file(), [])).toThrow(CoordinatorError);
  });
});
