/** The other spelling of an Ed25519 signature, S + L: curves make it, and only a strict check refuses it. */
import { fromBase64, toBase64 } from '@consilium/bytes';
import type { Envelope } from '@consilium/protocol';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;

export function malleated(envelope: Envelope): Envelope {
  const [{ keyid, sig }] = envelope.signatures;
  const signature = Buffer.from(fromBase64(sig));
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + L;
  signature.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32);
  return { ...envelope, signatures: [{ keyid, sig: toBase64(signature) }] };
}
