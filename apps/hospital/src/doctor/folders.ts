/** The hospital's own folder and the folder of its images. */
import { access, constants, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '@consilium/crypto';
import { HospitalError } from '../errors.js';
import { knownHospital, pinnedCoordinator } from '../home.js';
import { readCompared, strangersIn } from '../membership/compared.js';
import { keptStanding } from '../membership/record.js';
import { type Check, fail, type Finding, ok, told, warn } from './finding.js';

/** Group and others. */
const NOT_OWNER = 0o077;
const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');

async function key(home: string): Promise<readonly Finding[]> {
  const found = await stat(join(home, 'identity.key')).catch(() => undefined);
  if (found === undefined) {
    return [fail('identity', 'this hospital has no identity yet', 'run consilium-hospital join INVITATION')];
  }
  if (process.platform === 'win32' || (found.mode & NOT_OWNER) === 0) return [ok('identity', 'for its owner alone')];
  return [fail('identity', `identity.key has mode ${octal(found.mode)}: others can read it`, 'chmod 600 identity.key')];
}

/** Whose signature counts, and that the key and the enrolment belong together. */
async function card(home: string): Promise<readonly Finding[]> {
  try {
    return [ok('card', `the coordinator with the fingerprint ${fingerprint(await pinnedCoordinator(home))} is pinned`)];
  } catch (error) {
    if (!(error instanceof HospitalError)) throw error;
    return [fail('card', told(error), 'run consilium-hospital join INVITATION')];
  }
}

export const homeFolder: Check = async ({ home }) => {
  const found = await stat(home).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    return [fail('home', 'the folder is not there', 'run consilium-hospital join INVITATION, or give --home')];
  }
  try {
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return [fail('home', told(error), 'give this user read and write access to the folder')];
  }
  const open = process.platform !== 'win32' && (found.mode & NOT_OWNER) !== 0;
  const detail = `mode ${octal(found.mode)}: others on this machine can list it`;
  return [
    open ? warn('home', detail, 'chmod 700 the folder') : ok('home', 'readable and writable'),
    ...(await key(home)),
    ...(await card(home)),
    ...(await roster(home)),
  ];
};

/** A run with hospitals that nobody here has compared is waited out: better known before. */
async function roster(home: string): Promise<readonly Finding[]> {
  const known = await knownHospital(home);
  if (known === undefined) return [];
  const compared = await readCompared(home, known);
  const fix = 'compare its words by phone, then run consilium-hospital verify';
  if (compared === undefined) return [warn('roster', 'nobody here has compared the roster: every run waits', fix)];
  const standing = await keptStanding(home, known);
  const strangers = standing === undefined ? [] : strangersIn(standing.lines, compared);
  const { comparedBy, at } = compared;
  return strangers.length === 0
    ? [ok('roster', `compared by ${comparedBy}, ${at.slice(0, 10)}`)]
    : [warn('roster', `not compared: ${strangers.join(', ')}; runs with them wait`, fix)];
}

/** One entry is enough: a folder of a million images is not walked for this. */
export const dataFolder: Check = async ({ config }) => {
  if (config === undefined) return [];
  try {
    const folder = await opendir(config.data);
    const first = await folder.read();
    await folder.close();
    if (first !== null) return [ok('data', 'readable')];
    return [warn('data', 'the folder of images is empty', 'put images and their labels there')];
  } catch (error) {
    return [fail('data', told(error), 'correct `data` in hospital.yaml, or give this user read access')];
  }
};
