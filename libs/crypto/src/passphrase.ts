/** A secret key under a passphrase (SPEC section 3.1): scrypt (RFC 7914) makes the key of a secretbox. */
import { scrypt } from 'node:crypto';
import { fromHex, toHex, utf8 } from '@consilium/bytes';
import { CryptoError } from './errors.js';
import { openSecret, sealSecret, secretBytes, SEALED_SECRET_OVERHEAD } from './secretbox.js';

export const SEALED_TYPE = 'consilium/identity-sealed/v1';

/** 128 MiB and some tenths of a second for each guess. Fixed: a file must not be able to ask for less, or for all memory. */
const COST = { N: 131_072, r: 8, p: 1, maxmem: 192 * 2 ** 20 } as const;
const SALT_BYTES = 16;
const SECRET_BYTES = 32;
/** Shorter ones fall to a dictionary, whatever scrypt costs. */
export const PASSPHRASE_MIN_CHARACTERS = 12;

/** @throws {@link CryptoError} `PASSPHRASE_WEAK`. */
export async function sealWithPassphrase(
  secret: Uint8Array,
  passphrase: string,
): Promise<{ readonly salt: string; readonly sealed: string }> {
  if (passphrase.length < PASSPHRASE_MIN_CHARACTERS) {
    throw new CryptoError('PASSPHRASE_WEAK', `a passphrase has at least ${PASSPHRASE_MIN_CHARACTERS} characters`);
  }
  const salt = secretBytes(SALT_BYTES);
  const key = await derive(passphrase, salt);
  const sealed = sealSecret(key, secret);
  key.fill(0);
  return { salt: toHex(salt), sealed: toHex(sealed) };
}

/**
 * @param fields - of the file, of any origin.
 * @returns undefined where they are not those of a sealed key.
 * @throws {@link CryptoError} `KEY_FILE_LOCKED` without a passphrase, `PASSPHRASE_WRONG`.
 */
export async function openWithPassphrase(
  { salt, sealed, ...others }: Readonly<Record<string, unknown>>,
  path: string,
  passphrase: string | undefined,
): Promise<Uint8Array | undefined> {
  if (!isHex(salt, SALT_BYTES) || !isHex(sealed, SECRET_BYTES + SEALED_SECRET_OVERHEAD)) return undefined;
  if (Object.keys(others).length > 0) return undefined;
  if (passphrase === undefined) throw new CryptoError('KEY_FILE_LOCKED', `the key in ${path} is under a passphrase`);
  const key = await derive(passphrase, fromHex(salt));
  try {
    return openSecret(key, fromHex(sealed));
  } catch (cause) {
    throw new CryptoError('PASSPHRASE_WRONG', `this passphrase does not open ${path}, or the file was altered`, {
      cause,
    });
  } finally {
    key.fill(0);
  }
}

const isHex = (value: unknown, bytes: number): value is string =>
  typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);

function derive(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // One spelling of a letter with an accent, however a keyboard makes it.
    scrypt(utf8(passphrase.normalize('NFC')), salt, SECRET_BYTES, COST, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}
