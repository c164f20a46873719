/**
 * Claims: on every case of Project Wycheproof that concerns this library, (1) what is valid has the published result;
 * (2) what is invalid is refused; (3) of what is "acceptable", for which standards leave the verdict open, this library
 * refuses all that lets an outsider know the result: X25519 results of zero (RFC 7748 section 6.1) and Ed25519 keys of small
 * order. It takes the rest: non-canonical X25519 keys and points on the twist, as RFC 7748 section 5 asks for, and Ed25519
 * keys of mixed order, whose owner alone can sign: the verifiers agree on them (SPEC section 1), and only their owner would
 * lose. Oracle: the vectors; vectors/wycheproof.py says where they are from.
 */
import { readFileSync } from 'node:fs';
import { concatBytes, fromHex, toHex } from '@consilium/bytes';
import { describe, expect, it } from 'vitest';
import { agree, isSafeAgreementKey } from './agreement.js';
import { hkdfSha256 } from './derive.js';
import { agreeWithMany } from './secret-agreement.js';
import { isSafePublicKey, verifyStrict } from './signature.js';
import { openUnder } from './stream.js';

interface Case {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
}

function groupsOf(name: string): readonly unknown[] {
  const file = new URL(`../vectors/wycheproof-${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { groups: readonly unknown[] }).groups;
}

/** Case numbers whose verdict is not the expected one: an empty list passes, and a failure names all. */
const wrong = <C extends Case>(cases: readonly C[], isRight: (vector: C) => boolean): number[] =>
  cases.filter((vector) => !isRight(vector)).map(({ tcId }) => tcId);

/** The bytes in hex, or the code of a refusal, or else its class. */
function outcome(act: () => Uint8Array): string {
  try {
    return toHex(act());
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
}

describe('X25519', () => {
  const cases = groupsOf('x25519') as readonly (Case & { public: string; private: string; shared: string })[];

  it.each(['agree', 'agreeWithMany'])('%s gives each published secret, and none that is zero', (name) => {
    const verdicts = wrong(cases, (vector) => {
      const [secret, peer] = [fromHex(vector.private), fromHex(vector.public)];
      const expected = vector.flags.includes('ZeroSharedSecret') ? 'LOW_ORDER_KEY' : vector.shared;
      return outcome(() => (name === 'agree' ? agree(secret, peer) : agreeWithMany(secret)(peer))) === expected;
    });
    expect(verdicts).toEqual([]);
    expect(cases).toHaveLength(518);
  });

  it('a key is unsafe exactly where a secret is zero', () => {
    const verdicts = wrong(
      cases,
      (vector) => isSafeAgreementKey(fromHex(vector.public)) !== vector.flags.includes('ZeroSharedSecret'),
    );
    expect(verdicts).toEqual([]);
    expect(cases.filter(({ flags }) => flags.includes('ZeroSharedSecret'))).toHaveLength(31);
  });
});

describe('Ed25519', () => {
  type Group = { publicKey: string; cases: readonly (Case & { msg: string; sig: string })[] };
  const cases = (groupsOf('ed25519') as readonly Group[]).flatMap((group) =>
    group.cases.map((vector) => ({ ...vector, publicKey: group.publicKey })),
  );

  it('takes what is valid, and refuses what is invalid or under a key of small order', () => {
    const verdicts = wrong(cases, ({ result, flags, publicKey, msg, sig }) => {
      const expected = result === 'valid' || (result === 'acceptable' && !flags.includes('SmallOrderPublicKey'));
      return verifyStrict(fromHex(publicKey), fromHex(msg), fromHex(sig)) === expected;
    });
    expect(verdicts).toEqual([]);
    expect(cases).toHaveLength(210);
  });

  it('does not enrol a key of small order', () => {
    const verdicts = wrong(
      cases,
      ({ flags, publicKey }) => isSafePublicKey(fromHex(publicKey)) !== flags.includes('SmallOrderPublicKey'),
    );
    expect(verdicts).toEqual([]);
    expect(cases.filter(({ flags }) => flags.includes('SmallOrderPublicKey'))).toHaveLength(8);
  });
});

it('HKDF-SHA-256 gives each published key, and none longer than 255 blocks', () => {
  type Derivation = Case & { ikm: string; salt: string; info: string; size: number; okm: string };
  const cases = groupsOf('hkdf-sha256') as readonly Derivation[];
  const verdicts = wrong(cases, ({ result, ikm, salt, info, size, okm }) => {
    const derived = outcome(() => hkdfSha256(fromHex(ikm), fromHex(salt), fromHex(info), size));
    return derived === (result === 'valid' ? okm : 'RangeError');
  });
  expect(verdicts).toEqual([]);
  expect(cases).toHaveLength(86);
});

it('AES-256-GCM opens what is authentic, and nothing else', () => {
  type Sealed = Case & { key: string; iv: string; msg: string; ct: string; tag: string };
  const cases = groupsOf('aes-256-gcm') as readonly Sealed[];
  const verdicts = wrong(cases, ({ result, key, iv, msg, ct, tag }) => {
    const opened = openUnder(fromHex(key), fromHex(iv), concatBytes(fromHex(ct), fromHex(tag)));
    return result === 'valid' ? opened !== null && toHex(opened) === msg : opened === null;
  });
  expect(verdicts).toEqual([]);
  expect(cases.filter(({ result }) => result === 'valid')).toHaveLength(21);
  expect(cases.filter(({ result }) => result === 'invalid')).toHaveLength(27);
});
