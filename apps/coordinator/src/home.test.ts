/**
 * Claims: a key is never replaced, and a home is never made by mistake. Oracle: the bytes of the files.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '@consilium/crypto';
import { CoordinatorError } from './errors.js';
import { openHome, reopenHome, writeCard, type Home } from './home.js';

let directory: string;
let home: Home;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-office-'));
  home = await openHome(join(directory, 'office'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof CoordinatorError ? error.code : error),
  );

describe('a home', () => {
  it('keeps its key when it is opened again', async () => {
    const key = await readFile(join(home.directory, 'coordinator.key'));
    const again = await reopenHome(home.directory);
    expect(again.identity.publicKey).toEqual(home.identity.publicKey);
    expect(await readFile(join(home.directory, 'coordinator.key'))).toEqual(key);
    expect((await writeCard(again, 'office')).fingerprint).toBe(fingerprint(home.identity.publicKey));
  });

  it('is not made by mistake', async () => {
    expect(await refusal(reopenHome(join(directory, 'typo')))).toBe('NOT_INITIALISED');
    expect(await readdir(directory)).toEqual(['office']);
  });
});
