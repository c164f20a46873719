/**
 * Claims: (1) the key schedule gives the known answers; (2) sealing, sharing and streams do, through the functions that
 * the protocol itself calls; (3) which of two hospitals adds is decided by their bytes. Oracle: vectors/secagg.json, made by
 * an independent script (node:crypto and tweetnacl, 2026-11-22), never from this code.
 */
import { readFileSync } from 'node:fs';
import { concatBytes, fromHex, lengthPrefixed, toHex, utf8 } from '@consilium/bytes';
import { digestBlob, keystreamWords, openSecret, roundPublicKey, sha256Of, shareCombiner } from '@consilium/crypto';
import { expect, it } from 'vitest';
import {
  addsMask,
  checksumKey,
  commitSelfSeed,
  deriveSessionId,
  pairMaskKeys,
  selfMaskKey,
  shareKeys,
} from './keys.js';

type Hex = Record<
  | 'skA'
  | 'skB'
  | 'pkA'
  | 'pkB'
  | 'pairwiseMaskKey'
  | 'selfSeed'
  | 'selfMaskKey'
  | 'selfSeedCommit'
  | 'shareKeyAtoB'
  | 'shareKeyBtoA',
  string
>;
interface Vectors extends Hex {
  readonly contextDigest: { readonly value: string };
  readonly pairwiseMaskWordsU32LE: readonly number[];
  readonly selfMaskWordsU32LE: readonly number[];
  readonly secretbox: { readonly nonce: string; readonly plaintextAscii: string; readonly ciphertext: string };
  readonly shamir: { readonly secret: string; readonly shares: Readonly<Record<string, string>> };
}
const vectors = JSON.parse(readFileSync(new URL('../vectors/secagg.json', import.meta.url), 'utf8')) as Vectors;
const context = vectors.contextDigest.value;
const a = { publicKey: fromHex(vectors.pkA), secretKey: fromHex(vectors.skA) };
const b = { publicKey: fromHex(vectors.pkB), secretKey: fromHex(vectors.skB) };

it('has the context and the public keys of the vectors', () => {
  expect(digestBlob(utf8('plan-digest-test'))).toBe(context);
  expect(toHex(roundPublicKey(a.secretKey))).toBe(vectors.pkA);
  expect(toHex(roundPublicKey(b.secretKey))).toBe(vectors.pkB);
});

it('derives the pair mask alike on both sides, and its words', () => {
  const key = pairMaskKeys(context, a)(b.publicKey);
  expect(toHex(key)).toBe(vectors.pairwiseMaskKey);
  expect(toHex(pairMaskKeys(context, b)(a.publicKey))).toBe(vectors.pairwiseMaskKey);
  expect([...keystreamWords(key, 8)]).toEqual(vectors.pairwiseMaskWordsU32LE);
  expect([addsMask(a.publicKey, b.publicKey), addsMask(b.publicKey, a.publicKey)]).toEqual([false, true]);
});

it('derives the self mask, its words and its commitment', () => {
  const key = selfMaskKey(context, fromHex(vectors.selfSeed), a.publicKey);
  expect(toHex(key)).toBe(vectors.selfMaskKey);
  expect([...keystreamWords(key, 8)]).toEqual(vectors.selfMaskWordsU32LE);
  expect(commitSelfSeed(context, a.publicKey, fromHex(vectors.selfSeed))).toBe(vectors.selfSeedCommit);
});

it('derives a share key for each direction, which opens the sealed answer', () => {
  const there = { dealer: a.publicKey, recipient: b.publicKey };
  const back = { dealer: b.publicKey, recipient: a.publicKey };
  expect(toHex(shareKeys(context, a.secretKey)(b.publicKey, there))).toBe(vectors.shareKeyAtoB);
  expect(toHex(shareKeys(context, b.secretKey)(a.publicKey, there))).toBe(vectors.shareKeyAtoB);
  expect(toHex(shareKeys(context, a.secretKey)(b.publicKey, back))).toBe(vectors.shareKeyBtoA);
  const sealed = concatBytes(fromHex(vectors.secretbox.nonce), fromHex(vectors.secretbox.ciphertext));
  expect(openSecret(fromHex(vectors.shareKeyAtoB), sealed)).toEqual(utf8(vectors.secretbox.plaintextAscii));
});

it('combines the known shares, any three of the five', () => {
  const xs = Object.keys(vectors.shamir.shares).map(Number);
  for (const left of xs) {
    for (const out of xs.filter((x) => x > left)) {
      const kept = xs.filter((x) => x !== left && x !== out);
      const shares = kept.map((x) => fromHex(vectors.shamir.shares[x] ?? ''));
      expect(toHex(shareCombiner(kept)(shares))).toBe(vectors.shamir.secret);
    }
  }
});

it('binds a session to the plan and to every advert in its order', () => {
  const adverts = ['aa'.repeat(32), 'bb'.repeat(32)];
  const label = utf8('consilium/secagg/v1/session');
  const spelled = sha256Of(lengthPrefixed(label, fromHex(context), ...adverts.map(fromHex)));
  expect(deriveSessionId(context, adverts)).toBe(toHex(spelled));
  expect(deriveSessionId(context, adverts.toReversed())).not.toBe(toHex(spelled));
  expect(toHex(checksumKey(context, 0))).not.toBe(toHex(checksumKey(context, 1)));
});
