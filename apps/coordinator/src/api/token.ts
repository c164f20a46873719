/**
 * The operator's token: whoever reads it from the home folder leads the runs of this coordinator. It travels in a header
 * only, never in a URL, and no log line and no message holds it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordinatorError } from '../errors.js';

const TOKEN = /^[0-9a-f]{64}$/;

export const tokenFile = (home: string): string => join(home, 'api-token');

/** Makes the token once; an existing one is never replaced. @throws {@link CoordinatorError} `TOKEN_FILE_INVALID`. */
export async function loadOrCreateToken(home: string): Promise<string> {
  const file = tokenFile(home);
  // Whoever comes second reads what the first has written.
  await writeFile(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  return readToken(file);
}

/** @returns 64 hex digits. @throws {@link CoordinatorError} `TOKEN_FILE_INVALID`, also for a file that others may read. */
export async function readToken(file: string): Promise<string> {
  const [found, text] = await Promise.all([stat(file), readFile(file, 'utf8')]).catch(() => {
    throw new CoordinatorError('TOKEN_FILE_INVALID', `cannot read the token file ${file}`);
  });
  const mode = found.mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new CoordinatorError(
      'TOKEN_FILE_INVALID',
      `${file} is open to others (mode ${mode.toString(8)}): chmod 600, and delete it for a new token if they may have read it`,
    );
  }
  const token = text.trim();
  if (!TOKEN.test(token)) throw new CoordinatorError('TOKEN_FILE_INVALID', `${file} holds no token`);
  return token;
}

/** @param authorization - the header as it came: attacker-controlled. Takes the same time wherever a difference lies. */
export function isAuthorized(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer ([0-9a-f]{64})$/i.exec(authorization ?? '') ?? [];
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(token));
}
