/**
 * Claims: (1) every sealed update that an independent program made opens to its plaintext; (2) every refused vector is
 * refused with the code given. Oracle: vectors/sealed_update.py (PyNaCl and cryptography), provenance in the file.
 */
import { readFileSync } from 'node:fs';
import { concatBytes, fromBase64, fromHex, toHex } from '@consilium/bytes';
import { describe, expect, it } from 'vitest';
import { roundPublicKey } from './agreement.js';
import { digestBlob } from './derive.js';
import type { SealContext } from './seal-context.js';
import { sealedSizeBytes } from './sealed-layout.js';
import { openSealedChunks, openSealedUpdate } from './sealed-update.js';

interface Sealed {
  readonly name: string;
  readonly context: SealContext;
  readonly sealedBase64: string;
}
interface Edit {
  readonly truncateTo?: number;
  readonly append?: string;
  readonly flipBit?: readonly [byte: number, bit: number];
  readonly replace?: readonly [offset: number, hex: string];
  readonly roundSecretKey?: string;
  readonly context?: Partial<SealContext>;
}
interface Vectors {
  readonly roundSecretKey: string;
  readonly roundPublicKey: string;
  readonly opened: readonly (Sealed & { readonly plaintextBytes: number; readonly plaintextSha256: string })[];
  readonly refused: readonly ({ readonly name: string; readonly code: string } & (
    Sealed | { readonly of: string; readonly edit: Edit }
  ))[];
}

const file = new URL('../vectors/sealed-update.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const roundSecretKey = fromHex(vectors.roundSecretKey);

function edited(of: string, edit: Edit): [sealed: Uint8Array, secretKey: Uint8Array, context: SealContext] {
  const original = vectors.opened.find(({ name }) => name === of);
  if (!original) throw new Error(`no opened vector is named ${of}`);
  let sealed = fromBase64(original.sealedBase64);
  if (edit.flipBit) sealed[edit.flipBit[0]] = (sealed[edit.flipBit[0]] ?? 0) ^ (1 << edit.flipBit[1]);
  if (edit.replace) sealed.set(fromHex(edit.replace[1]), edit.replace[0]);
  if (edit.truncateTo !== undefined) sealed = sealed.subarray(0, edit.truncateTo);
  if (edit.append) sealed = concatBytes(sealed, fromHex(edit.append));
  const secretKey = edit.roundSecretKey ? fromHex(edit.roundSecretKey) : roundSecretKey;
  return [sealed, secretKey, { ...original.context, ...edit.context }];
}

describe('sealed updates of an independent program', () => {
  it('were made for the public key of the round secret', () => {
    expect(toHex(roundPublicKey(roundSecretKey))).toBe(vectors.roundPublicKey);
  });

  it.each(vectors.opened)('open: $name', ({ context, sealedBase64, plaintextBytes, plaintextSha256 }) => {
    const sealed = fromBase64(sealedBase64);
    const plaintext = openSealedUpdate(sealed, roundSecretKey, context);
    expect(sealed.length).toBe(sealedSizeBytes(plaintextBytes));
    expect(plaintext.length).toBe(plaintextBytes);
    expect(digestBlob(plaintext)).toBe(plaintextSha256);
  });

  it.each(vectors.refused)('are refused with $code: $name', (vector) => {
    const [sealed, secretKey, context] =
      'of' in vector
        ? edited(vector.of, vector.edit)
        : [fromBase64(vector.sealedBase64), roundSecretKey, vector.context];
    const openings = [
      () => openSealedUpdate(sealed, secretKey, context),
      () => Array.from(openSealedChunks(sealed, secretKey, context)),
    ];
    for (const open of openings) {
      expect(open).toThrow(expect.objectContaining({ name: 'CryptoError', code: vector.code }) as Error);
    }
  });

  it('cover every code that opening can give', () => {
    const codes = ['LOW_ORDER_KEY', 'SEAL_AUTHENTICATION', 'SEAL_FORMAT', 'SEAL_TRUNCATED'];
    expect([...new Set(vectors.refused.map(({ code }) => code))].sort()).toEqual(codes);
  });
});
