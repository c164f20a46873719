/** How both sides of an attack read what hospitals signed: the product's own strict way. */
import { fromHex } from '@consilium/bytes';
import { verifyStrict } from '@consilium/crypto';
import { openStatement, type Envelope, type Opened, type StatementName } from '@consilium/protocol';
import type { OpenSigned } from '@consilium/secagg';

/** @param key - Ed25519, shape (32,). */
export const openBy = <N extends StatementName>(name: N, envelope: unknown, key: Uint8Array): Opened<N> =>
  openStatement(name, envelope, (bytes, signature) => verifyStrict(key, bytes, signature));

export const openSigned: OpenSigned = (name, envelope, identityKey) =>
  openBy(name, envelope as Envelope, fromHex(identityKey)) as never;
