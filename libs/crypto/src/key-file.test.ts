/**
 * Claims: (1) a key that was made once is the key ever after, also when several starts race; (2) a new file is
 * complete, 0600, and nothing else is left in its folder; (3) a file that others may read, that is altered in any bit,
 * cut, extended or no file at all is refused with its code, stays as it is, and its secret is in no message.
 * Oracles: the file system itself; the spelling of SPEC section 3, written out here.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex, utf8 } from '@consilium/bytes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateIdentity } from './key-file.js';
import { rawSecretKey } from './raw-keys.js';
import { signBytes, verifyStrict } from './signature.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'consilium-key-'));
  path = join(folder, 'identity.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (content: string | Uint8Array, mode = 0o600) => {
  writeFileSync(path, content);
  chmodSync(path, mode);
};
const onPosix = it.runIf(process.platform !== 'win32');

describe('a new key', () => {
  it('is kept, and is the same at the next start', async () => {
    const first = await loadOrCreateIdentity(path);
    const second = await loadOrCreateIdentity(path);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.identity.publicKey).toEqual(first.identity.publicKey);
    const signature = signBytes(second.identity, utf8('plan'));
    expect(verifyStrict(first.identity.publicKey, utf8('plan'), signature)).toBe(true);
  });

  it('has the spelling of the specification and is alone in its folder', async () => {
    const { identity } = await loadOrCreateIdentity(path);
    const [publicKey, secretKey] = [toHex(identity.publicKey), toHex(rawSecretKey('ed25519', identity.secretKey))];
    const spelling = `{"publicKey":"${publicKey}","secretKey":"${secretKey}","type":"consilium/identity/v1"}\n`;
    expect(readFileSync(path, 'utf8')).toBe(spelling);
    expect(readdirSync(folder)).toEqual(['identity.json']);
  });

  onPosix('is for its owner alone, as are the folders made for it', async () => {
    path = join(folder, 'a', 'b', 'identity.json');
    await loadOrCreateIdentity(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  });

  it('is one key when twelve starts race', async () => {
    const starts = await Promise.all(Array.from({ length: 12 }, () => loadOrCreateIdentity(path)));
    expect(starts.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(starts.map(({ identity }) => toHex(identity.publicKey))).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['identity.json']);
  });

  it('ignores what a crash left under a temporary name', async () => {
    const leftover = join(folder, '.identity.json.0011223344556677.tmp');
    writeFileSync(leftover, '{"publicKey":"');
    expect((await loadOrCreateIdentity(path)).created).toBe(true);
    expect(readFileSync(leftover, 'utf8')).toBe('{"publicKey":"');
  });
});

describe('a file that is there', () => {
  onPosix.each([0o640, 0o604, 0o620, 0o601, 0o644])('is refused with mode %o', async (mode) => {
    await loadOrCreateIdentity(path);
    const content = readFileSync(path);
    chmodSync(path, mode);
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_OPEN_TO_OTHERS' });
    expect(readFileSync(path)).toEqual(content);
    chmodSync(path, 0o400);
    await expect(loadOrCreateIdentity(path)).resolves.toMatchObject({ created: false });
  });

  it('is refused after a flip of any bit, cut anywhere or extended, and stays as it is', async () => {
    await loadOrCreateIdentity(path);
    const content = readFileSync(path);
    const altered = [
      new Uint8Array(0),
      content.subarray(0, -1),
      content.subarray(0, 100),
      Buffer.concat([content, content]),
    ];
    for (let i = 0; i < content.length; i += 1) {
      const flipped = Buffer.from(content);
      flipped.writeUInt8(content.readUInt8(i) ^ (1 << (i % 8)), i);
      altered.push(flipped);
    }
    for (const bytes of altered) {
      write(bytes);
      await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
      expect(readFileSync(path)).toEqual(Buffer.from(bytes));
    }
  });

  it.each([
    ['not JSON', 'secret'],
    ['null', 'null\n'],
    ['a list', '[]\n'],
    ['another type', `{"publicKey":"${'00'.repeat(32)}","secretKey":"${'00'.repeat(32)}","type":"ssh"}\n`],
    ['numbers', '{"publicKey":1,"secretKey":2,"type":"consilium/identity/v1"}\n'],
    ['a short secret', `{"publicKey":"${'00'.repeat(32)}","secretKey":"00","type":"consilium/identity/v1"}\n`],
    ['too long', `"${'x'.repeat(5000)}"\n`],
  ])('is refused when it is %s', async (_, content) => {
    write(content);
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
  });

  it('is refused with a field more, although the pair is right', async () => {
    await loadOrCreateIdentity(path);
    write(readFileSync(path, 'utf8').replace('","type"', '","spare":"","type"'));
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
  });

  it.each([
    ['before', (secret: string) => `00${secret}`],
    ['behind', (secret: string) => `${secret}00`],
  ])('is refused with a byte more %s the secret', async (_, longer) => {
    await loadOrCreateIdentity(path);
    write(readFileSync(path, 'utf8').replace(/(?<="secretKey":")[0-9a-f]{64}/, longer));
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
  });

  it('names no secret in the error', async () => {
    const { identity } = await loadOrCreateIdentity(path);
    const secret = toHex(rawSecretKey('ed25519', identity.secretKey));
    write(readFileSync(path, 'utf8').replace('identity', 'identitx'));
    const error: unknown = await loadOrCreateIdentity(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'KEY_FILE_INVALID' });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(secret.slice(0, 8));
  });
});

describe('a path that is no key file', () => {
  it('is refused as a folder', async () => {
    mkdirSync(path);
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
  });

  onPosix('is refused as a named pipe, without waiting for a writer', async () => {
    execFileSync('mkfifo', ['-m', '600', path]);
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID' });
  });

  onPosix('is refused as a link that leads nowhere, and not replaced', async () => {
    symlinkSync(join(folder, 'absent'), path);
    await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'KEY_FILE_UNREADABLE' });
    expect(readdirSync(folder)).toEqual(['identity.json']);
  });

  onPosix('is refused below a file', async () => {
    write('');
    await expect(loadOrCreateIdentity(join(path, 'key'))).rejects.toMatchObject({ code: 'KEY_FILE_UNREADABLE' });
  });

  onPosix('says why it cannot write, and leaves nothing', async () => {
    // A name that fits the file system, while the temporary name made from it does not.
    const long = join(folder, 'k'.repeat(250));
    await expect(loadOrCreateIdentity(long)).rejects.toMatchObject({ code: 'KEY_FILE_UNWRITABLE' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
