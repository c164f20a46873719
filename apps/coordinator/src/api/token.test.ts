/**
 * Claims: the token is made once, for its owner alone; a file that others may read, or that holds no token, is refused
 * without its content; only `Bearer` with this very token opens. Oracle: the file system's modes, strings by hand.
 */
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAuthorized, loadOrCreateToken, readToken, tokenFile } from './token.js';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-token-'));
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

describe('the token file', () => {
  it('is made once, also by two at the same time, and kept', async () => {
    const [first, second] = await Promise.all([loadOrCreateToken(home), loadOrCreateToken(home)]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(second).toBe(first);
    expect(await loadOrCreateToken(home)).toBe(first);
    expect((await readFile(tokenFile(home), 'utf8')).trim()).toBe(first);
  });

  it.skipIf(process.platform === 'win32')('is for its owner alone', async () => {
    await loadOrCreateToken(home);
    expect((await stat(tokenFile(home))).mode & 0o777).toBe(0o600);
    await chmod(tokenFile(home), 0o640);
    await expect(readToken(tokenFile(home))).rejects.toMatchObject({ code: 'TOKEN_FILE_INVALID' });
    await chmod(tokenFile(home), 0o600);
  });

  it('is refused without its content', async () => {
    const file = join(home, 'other');
    await writeFile(file, 'hunter2', { mode: 0o600 });
    const error = await readToken(file).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'TOKEN_FILE_INVALID' });
    expect(String(error)).not.toContain('hunter2');
    await expect(readToken(join(home, 'none'))).rejects.toMatchObject({ code: 'TOKEN_FILE_INVALID' });
  });
});

describe('isAuthorized', () => {
  const token = 'ab'.repeat(32);
  it.each([
    [`Bearer ${token}`, true],
    [`bearer ${token}`, true],
    [`Bearer ${'ab'.repeat(31)}ac`, false],
    [`Bearer ${token}0`, false],
    [`Basic ${token}`, false],
    [token, false],
    ['Bearer ', false],
    ['', false],
    [undefined, false],
  ])('%s: %s', (header, opens) => {
    expect(isAuthorized(header, token)).toBe(opens);
  });
});
