/**
 * Claims, with the real Ed25519 of libs/crypto: (1) statements of every enrolled key open under that key and no other;
 * (2) S + L, a signature of small order and a cut one are refused although lax verifiers take them; (3) a signature made
 * over the bare payload, or over another type with the same bytes, is refused; (4) the digest of a statement does not
 * depend on its signature. Oracle: the group order of RFC 8032 section 5.1, from which S + L is made here.
 */
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, toHex, utf8 } from '@consilium/bytes';
import { generateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import {
  openStatement,
  parseUnverified,
  ProtocolError,
  signStatement,
  type Enrolment,
  type Envelope,
} from '@consilium/protocol';

const hospital = generateIdentity();
const enrolment: Enrolment = {
  v: 1,
  hospitalId: 'north' as Enrolment['hospitalId'],
  identityKey: toHex(hospital.publicKey),
};
const signedBy = (identity: Identity) => (bytes: Uint8Array) => signBytes(identity, bytes);
const { envelope, digest } = signStatement('enrolment', enrolment, 'north', signedBy(hospital));
const withSignature = (sig: Uint8Array): Envelope => ({
  ...envelope,
  signatures: [{ keyid: 'north', sig: toBase64(sig) }],
});

function codeOf(input: unknown, key: Uint8Array = hospital.publicKey): string {
  try {
    openStatement('enrolment', input, (bytes, signature) => verifyStrict(key, bytes, signature));
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Little-endian S + L: the same point equation holds, so a verifier that does not compare S with L takes it. */
function plusOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = order + BigInt(`0x${toHex(signature.slice(32).reverse())}`);
  const out = Uint8Array.from(signature);
  for (let i = 32; i < 64; i++, s >>= 8n) out[i] = Number(s & 255n);
  return out;
}

describe('a signed statement', () => {
  it('opens under the key that signed it and under no other', () => {
    expect(codeOf(envelope)).toBe('accepted');
    expect(codeOf(envelope, generateIdentity().publicKey)).toBe('SIGNATURE_INVALID');
  });

  it('is refused with S + L', () => {
    const malleated = withSignature(plusOrder(fromBase64(envelope.signatures[0].sig)));
    expect(malleated.signatures[0].sig).not.toBe(envelope.signatures[0].sig);
    expect(codeOf(malleated)).toBe('SIGNATURE_INVALID');
    // The same statement by its digest: a deduplication by signature bytes would have seen two.
    expect(parseUnverified('enrolment', malleated).digest).toBe(digest);
  });

  it('is refused under a key of small order, for which one signature fits everything', () => {
    const identity = Uint8Array.from([1, ...new Uint8Array(31)]);
    expect(codeOf(withSignature(Uint8Array.from([...identity, ...new Uint8Array(32)])), identity)).toBe(
      'SIGNATURE_INVALID',
    );
  });

  it('is refused with 65 and with 66 bytes of signature, which 88 base64 digits can hold', () => {
    for (const length of [65, 66]) {
      const long = new Uint8Array(length);
      long.set(fromBase64(envelope.signatures[0].sig));
      expect(toBase64(long)).toHaveLength(88);
      expect(codeOf(withSignature(long))).toBe('SIGNATURE_INVALID');
    }
  });

  it('is refused when the bare payload was signed, or the same bytes under another type', () => {
    const payload = fromBase64(envelope.payload);
    expect(codeOf(withSignature(signBytes(hospital, payload)))).toBe('SIGNATURE_INVALID');
    const type = 'application/vnd.consilium.consent.v1+json';
    const other = new Uint8Array([...utf8(`DSSEv1 ${type.length} ${type} ${payload.length} `), ...payload]);
    expect(codeOf(withSignature(signBytes(hospital, other)))).toBe('SIGNATURE_INVALID');
  });

  it('is refused with any one bit of its signature changed', () => {
    const signature = fromBase64(envelope.signatures[0].sig);
    for (let bit = 0; bit < 512; bit++) {
      const flipped = Uint8Array.from(signature);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(withSignature(flipped))).toBe('SIGNATURE_INVALID');
    }
  });
});
