/**
 * Claims: what people here compared is known by their own signature alone: not when the file was altered, of another hospital, or
 * under another key; a stranger is whoever is not in it, or under another key than in it. Oracle: files altered here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generateIdentity } from '@consilium/crypto';
import { rosterDigest, type HospitalId, type RosterLine } from '@consilium/protocol';
import { COMPARED_ROSTER, comparison, keepCompared, readCompared, strangersIn } from './compared.js';

const COMPARED = { comparedBy: 'M. Ito', how: 'phone' } as const;
const line = (id: string, digit: string): RosterLine => ({
  hospitalId: id as HospitalId,
  identityKey: digit.repeat(64),
});
const ROSTER = [line('north', '1'), line('south', '2')];
const own = { hospitalId: 'north' as HospitalId, identity: generateIdentity() };

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-compared-'));
});
afterEach(() => rm(home, { recursive: true }));

it('is what was compared, and nothing before', async () => {
  expect(await readCompared(home, own)).toBeUndefined();
  await keepCompared(home, ROSTER, comparison(own, ROSTER, COMPARED));
  expect(await readCompared(home, own)).toMatchObject({
    digest: rosterDigest(ROSTER),
    comparedBy: 'M. Ito',
    roster: ROSTER,
  });
});

it('is not believed when it was altered, or is of somebody else', async () => {
  const file = join(home, COMPARED_ROSTER);
  await keepCompared(home, ROSTER, comparison(own, ROSTER, COMPARED));
  const good = await readFile(file, 'utf8');
  // One hospital more, one key another, one left out: none is what was signed.
  const added = [...ROSTER, line('mallory', '3')];
  for (const roster of [added, [line('north', '1'), line('south', '3')], ROSTER.slice(0, 1)]) {
    await writeFile(file, JSON.stringify({ ...(JSON.parse(good) as object), roster }));
    expect(await readCompared(home, own)).toBeUndefined();
  }
  for (const text of ['', '{}', good.slice(0, 40), JSON.stringify({ roster: ROSTER, statement: {} })]) {
    await writeFile(file, text);
    expect(await readCompared(home, own)).toBeUndefined();
  }
  const thief = { ...own, identity: generateIdentity() };
  await keepCompared(home, added, comparison(thief, added, COMPARED));
  expect(await readCompared(home, own)).toBeUndefined();
  await keepCompared(home, ROSTER, comparison({ ...own, hospitalId: 'south' as HospitalId }, ROSTER, COMPARED));
  expect(await readCompared(home, own)).toBeUndefined();
  await writeFile(file, good);
  expect(await readCompared(home, own)).toBeDefined();
  // After a rotation the roster is another one: it is compared again.
  expect(await readCompared(home, thief)).toBeUndefined();
});

it('knows strangers by name and key', async () => {
  await keepCompared(home, ROSTER, comparison(own, ROSTER, COMPARED));
  const known = await readCompared(home, own);
  expect(strangersIn(ROSTER, known)).toEqual([]);
  // Who has left makes nobody a stranger.
  expect(strangersIn(ROSTER.slice(1), known)).toEqual([]);
  expect(strangersIn([...ROSTER, line('east', '1')], known)).toEqual(['east']);
  expect(strangersIn([line('north', '1'), line('south', '3')], known)).toEqual(['south']);
  expect(strangersIn(ROSTER, undefined)).toEqual(['north', 'south']);
});
