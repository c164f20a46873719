/** Keys of a simulation: identities are made once for a process, round keys come from the seed. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { generateIdentity, type Identity, type RoundKey } from '@consilium/crypto';
import type { SeededRandom } from '@consilium/tensors';

/** PKCS8 of an X25519 secret key up to its 32 bytes (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

let made: { readonly coordinator: Identity; readonly hospitals: readonly Identity[] } | undefined;

export function identities(): { readonly coordinator: Identity; hospital(place: number): Identity } {
  made ??= { coordinator: generateIdentity(), hospitals: Array.from({ length: 6 }, () => generateIdentity()) };
  const { coordinator, hospitals } = made;
  return { coordinator, hospital: (place) => hospitals[place] ?? coordinator };
}

/** They are read more often than they are made: parsing a key costs more than all else in a seed. */
const pool: RoundKey[] = [];

export function seededRoundKey(random: SeededRandom): RoundKey {
  const place = random.integer(16);
  const { publicKey, secretKey } = (pool[place] ??= roundKey(new Uint8Array(32).fill(place + 1)));
  // Its owner will erase it.
  return { publicKey, secretKey: secretKey.slice() };
}

function roundKey(secretKey: Uint8Array): RoundKey {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, secretKey]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { publicKey: Uint8Array.from(Buffer.from(x ?? '', 'base64url')), secretKey };
}
