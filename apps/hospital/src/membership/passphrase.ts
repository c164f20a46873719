/** Where the passphrase of the keys comes from: a file, the environment, or a person at a terminal. It is never an argument. */
import { readFile, stat } from 'node:fs/promises';
import { CryptoError, loadIdentity, type Identity } from '@consilium/crypto';
import { HospitalError } from '../errors.js';

export const PASSPHRASE_FILE = 'CONSILIUM_PASSPHRASE_FILE';
const PASSPHRASE = 'CONSILIUM_PASSPHRASE';

/**
 * Without asking anybody.
 *
 * @returns undefined where none is given: then keys are in files that only their owner may read.
 * @throws {@link HospitalError} `PASSPHRASE_MISSING` for a file that cannot be read, is empty, or open to others.
 */
export async function passphrase(): Promise<string | undefined> {
  const path = process.env[PASSPHRASE_FILE];
  if (path === undefined) return process.env[PASSPHRASE];
  const [found, text] = await Promise.all([stat(path), readFile(path, 'utf8')]).catch(() => {
    throw new HospitalError('PASSPHRASE_MISSING', `cannot read the passphrase file ${path}`);
  });
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new HospitalError('PASSPHRASE_MISSING', `${path} is open to others: chmod 600 it`);
  }
  const line = text.replace(/\r?\n$/, '');
  if (line === '') throw new HospitalError('PASSPHRASE_MISSING', `${path} is empty`);
  return line;
}

/**
 * The key of a file that must be there.
 *
 * @throws {@link HospitalError} `NOT_INITIALISED`; `PASSPHRASE_MISSING` where nobody can be asked.
 * @throws CryptoError of a file that cannot be used.
 */
export async function unlocked(path: string): Promise<Identity> {
  const given = await passphrase();
  const identity = await loadIdentity(path, given).catch(async (error: unknown) => {
    if (!(error instanceof CryptoError) || error.code !== 'KEY_FILE_LOCKED') throw error;
    return loadIdentity(path, await askedFor('Passphrase of the keys of this hospital: '));
  });
  if (identity === undefined) throw new HospitalError('NOT_INITIALISED', `${path} is missing`);
  return identity;
}

/** @throws {@link HospitalError} `PASSPHRASE_MISSING` when there is no terminal. */
export async function askedFor(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new HospitalError(
      'PASSPHRASE_MISSING',
      `the keys are under a passphrase: name its file with --passphrase-file or ${PASSPHRASE_FILE}`,
    );
  }
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    return await typed();
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

/** Until the end of the line, without showing it. */
function typed(): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\u0003') process.exit(130);
        if (character === '\r' || character === '\n') {
          process.stdin.off('data', take);
          resolve(text);
          return;
        }
        text = character === '\u007f' ? text.slice(0, -1) : text + character;
      }
    };
    process.stdin.on('data', take);
  });
}
