/** The identity on disk (SPEC section 3): complete or absent, readable by its owner alone, never replaced by us. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { canonicalJson, fromHex, parseCanonicalJson, toHex, utf8 } from '@consilium/bytes';
import { CryptoError } from './errors.js';
import { generateIdentity, type Identity, identityFromSecretKey } from './identity.js';
import { openWithPassphrase, sealWithPassphrase, SEALED_TYPE } from './passphrase.js';
import { rawSecretKey } from './raw-keys.js';

const TYPE = 'consilium/identity/v1';
/** Several times the one spelling that is valid: a file that fills this is refused, however it goes on. */
const MAX_READ_BYTES = 1024;
const PERMISSIONS_OF_OTHERS = 0o077;
const isPosix = process.platform !== 'win32';

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';

/**
 * Reads the identity kept at `path`, or makes one there. Several processes may start at once: all get the same key.
 * Missing folders are made, for their owner alone. A file that is there is never changed, whatever it holds.
 *
 * @param path - a path on a file system with hard links (no FAT, no plain CIFS share).
 * @param passphrase - a new key is encrypted under it, and an encrypted one is opened with it.
 * @returns `created` tells the caller that this key is new and not yet enrolled anywhere.
 * @throws {@link CryptoError} `KEY_FILE_OPEN_TO_OTHERS`, `KEY_FILE_INVALID`, `KEY_FILE_UNREADABLE`, `KEY_FILE_LOCKED`,
 * `PASSPHRASE_WRONG`, `PASSPHRASE_WEAK`, `KEY_FILE_UNWRITABLE`. On Windows the folder's access list decides who reads the
 * file, and it is not examined.
 */
export async function loadOrCreateIdentity(
  path: string,
  passphrase?: string,
): Promise<{ identity: Identity; created: boolean }> {
  const kept = await loadIdentity(path, passphrase);
  if (kept) return { identity: kept, created: false };
  const identity = generateIdentity();
  if (await keep(identity, path, passphrase)) return { identity, created: true };
  const winner = await loadIdentity(path, passphrase);
  if (!winner) throw new CryptoError('KEY_FILE_UNREADABLE', `${path} exists but leads nowhere`);
  return { identity: winner, created: false };
}

/** As {@link loadOrCreateIdentity}, but makes nothing. @returns undefined where there is no file. */
export async function loadIdentity(path: string, passphrase?: string): Promise<Identity | undefined> {
  let file: FileHandle;
  try {
    // Without O_NONBLOCK a named pipe at this path would stop the start for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw new CryptoError('KEY_FILE_UNREADABLE', `cannot open the key file ${path}: ${errnoOf(cause)}`, { cause });
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new CryptoError('KEY_FILE_INVALID', `${path} is not a regular file`);
    if (isPosix && (status.mode & PERMISSIONS_OF_OTHERS) !== 0) {
      const mode = (status.mode & 0o777).toString(8);
      throw new CryptoError('KEY_FILE_OPEN_TO_OTHERS', `${path} has mode ${mode}: group or others have access`);
    }
    const content = Buffer.alloc(MAX_READ_BYTES);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    const identity = await parse(content.subarray(0, bytesRead), path, passphrase);
    content.fill(0);
    if (!identity) throw new CryptoError('KEY_FILE_INVALID', `${path} holds no intact identity key`);
    return identity;
  } finally {
    await file.close();
  }
}

/** @returns undefined for anything but the one spelling of SPEC section 3; a reason could quote the secret. */
async function parse(content: Uint8Array, path: string, passphrase?: string): Promise<Identity | undefined> {
  const fields = fieldsOf(content);
  if (fields === undefined) return undefined;
  const { publicKey, type, ...others } = fields;
  if (typeof publicKey !== 'string') return undefined;
  let secret: Uint8Array | undefined;
  if (type === TYPE) secret = plainSecret(others);
  if (type === SEALED_TYPE) secret = await openWithPassphrase(others, path, passphrase);
  if (secret === undefined) return undefined;
  const identity = identityFromSecretKey(secret);
  secret.fill(0);
  return toHex(identity.publicKey) === publicKey ? identity : undefined;
}

function fieldsOf(content: Uint8Array): Record<string, unknown> | undefined {
  if (content.at(-1) !== 0x0a) return undefined;
  try {
    const fields = parseCanonicalJson(content.subarray(0, -1));
    const isRecord = typeof fields === 'object' && fields !== null && !Array.isArray(fields);
    return isRecord ? (fields as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function plainSecret({ secretKey, ...others }: Record<string, unknown>): Uint8Array | undefined {
  const isHex = typeof secretKey === 'string' && /^[0-9a-f]{64}$/.test(secretKey);
  return isHex && Object.keys(others).length === 0 ? fromHex(secretKey) : undefined;
}

/** @returns false if the name was taken meanwhile. */
async function keep(identity: Identity, path: string, passphrase: string | undefined): Promise<boolean> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await writeDurably(temporary, identity, passphrase);
      // The key is complete and durable here; a crash before the next line leaves an unused file and no identity.
      // `link` and not `rename`: it fails if a key is there, `rename` would replace it.
      await link(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncFolder(folder);
    return true;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return false;
    if (cause instanceof CryptoError) throw cause;
    throw new CryptoError('KEY_FILE_UNWRITABLE', `cannot keep a new key at ${path}: ${errnoOf(cause)}`, { cause });
  }
}

async function writeDurably(path: string, identity: Identity, passphrase: string | undefined): Promise<void> {
  const secret = rawSecretKey('ed25519', identity.secretKey);
  const publicKey = toHex(identity.publicKey);
  const fields =
    passphrase === undefined
      ? { publicKey, secretKey: toHex(secret), type: TYPE }
      : { publicKey, ...(await sealWithPassphrase(secret, passphrase)), type: SEALED_TYPE };
  secret.fill(0);
  const content = utf8(`${canonicalJson(fields)}\n`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    content.fill(0);
    await file.close();
  }
}

/** A new name is durable once its folder is; Windows opens no folder and needs none of this. */
async function syncFolder(path: string): Promise<void> {
  if (!isPosix) return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
