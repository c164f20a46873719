/**
 * Claims: the default policy is one; every key is needed; an unknown key, a typo, a missing unit, a wrong type, a doubled
 * key and what is no YAML are refused with the line they stand in; so is a file that others may write.
 * Oracle: the line at which this test put the fault.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HospitalError } from '../errors.js';
import { DEFAULT_POLICY } from './default-policy.js';
import { parsePolicy, readPolicy } from './read-policy.js';

const lines = DEFAULT_POLICY.split('\n');
const lineOf = (key: string): number => lines.findIndex((line) => line.startsWith(`${key}:`)) + 1;
const keys = lines.flatMap((line) => /^(\w+):/.exec(line)?.[1] ?? []);

function fault(text: string): string {
  try {
    parsePolicy(text);
  } catch (error) {
    if (error instanceof HospitalError && error.code === 'POLICY_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

const changed = (key: string, line: string): string => DEFAULT_POLICY.replace(new RegExp(`^${key}:.*$`, 'm'), line);

describe('parsePolicy', () => {
  it('reads the default, sizes in bytes', () => {
    const policy = parsePolicy(DEFAULT_POLICY);
    expect(policy).toMatchObject({
      trustModes: ['secagg'],
      approval: 'required',
      memoryMax: 4 * 2 ** 30,
      hours: 'always',
    });
    expect(Object.keys(policy)).toEqual(keys);
  });

  it('reads hours in minutes after midnight', () => {
    expect(parsePolicy(changed('hours', 'hours: ["19:00-07:30", "12:05-13:00"]')).hours).toEqual([
      { from: 1_140, to: 450 },
      { from: 725, to: 780 },
    ]);
  });

  it.each(keys)('needs %s', (key) => {
    expect(fault(changed(key, ''))).toMatch(new RegExp(`line \\d+: ${key}: missing`));
  });

  it.each([
    ['memoryMax', 'memoryMax: 4', /memoryMax: expected a whole number with its unit/],
    ['diskMax', 'diskMax: 20 GB', /diskMax: expected a whole number with its unit/],
    ['sentPerRoundMax', 'sentPerRoundMax: "64"', /its unit/],
    ['cohortMin', 'cohortMin: three', /cohortMin: /],
    ['clipNormMax', 'clipNormMax: .nan', /clipNormMax: /],
    ['clipNormMax', 'clipNormMax: .inf', /clipNormMax: /],
    ['trustModes', 'trustModes: [none]', /trustModes.0: /],
    ['trustModes', 'trustModes: []', /trustModes: /],
    ['studies', 'studies: [abc]', /studies/],
    ['hours', 'hours: ["7-19"]', /hours/],
    ['hours', 'hours: ["24:00-07:00"]', /hours/],
    ['epsilonMax', 'epsilonMax: 0', /epsilonMax: Too small/],
    ['epsilonMax', 'epsilonMax: none', /epsilonMax: expected "any" or a number above 0/],
    ['approval', 'approval: no', /approval: /],
  ])('names the line of a wrong %s', (key, line, message) => {
    const said = fault(changed(key, line));
    expect(said).toContain(`line ${lineOf(key)}: `);
    expect(said).toMatch(message);
  });

  it('names the line of a bound that is below the other', () => {
    const text = changed('collusionToleranceMin', 'collusionToleranceMin: 67');
    const said = fault(text);
    expect(said).toContain(`line ${lineOf('collusionToleranceMax')}: `);
    expect(said).toMatch(/below collusionToleranceMin/);
  });

  it.each(['cohortmin: 3', 'clipNorm: 3', 'debug: true'])('names the line of the unknown key %s', (line) => {
    const text = changed('version', `version: 1\n${line}`);
    expect(fault(text)).toContain(`line ${lineOf('version') + 1}: ${line.split(':')[0] ?? ''}: unknown key`);
  });

  it('a list may go over several lines, and the fault names its own', () => {
    const text = changed('trustModes', 'trustModes:\n  - secagg\n  - plain');
    expect(fault(text)).toContain(`line ${lineOf('trustModes') + 2}: trustModes.1`);
  });

  it.each([
    ['a doubled key', `${DEFAULT_POLICY}cohortMin: 1\n`],
    ['no YAML', `${DEFAULT_POLICY}a: [\n`],
    ['an alias', changed('hours', 'hours: *none')],
    ['nothing', ''],
    ['a list', '- 1\n'],
  ])('refuses %s', (_, text) => {
    expect(fault(text)).toMatch(/^policy\.yaml line \d+: /);
  });
});

describe('readPolicy', () => {
  it('is undefined where there is none, and refuses one that others may write', async () => {
    const home = await mkdtemp(join(tmpdir(), 'consilium-policy-'));
    try {
      expect(await readPolicy(home)).toBeUndefined();
      await writeFile(join(home, 'policy.yaml'), DEFAULT_POLICY, { mode: 0o600 });
      expect(await readPolicy(home)).toMatchObject({ version: 1 });
      await chmod(join(home, 'policy.yaml'), 0o622);
      await expect(readPolicy(home)).rejects.toThrow('chmod 600');
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
