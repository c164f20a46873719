/** Statements of other hospitals, which the coordinator forwards: verified here, under the keys of the plan. */
import { fromHex } from '@consilium/bytes';
import { verifyStrict } from '@consilium/crypto';
import { openStatement } from '@consilium/protocol';
import type { OpenSigned } from '@consilium/secagg';

export const openSigned: OpenSigned = (name, envelope, identityKey) =>
  openStatement(name, envelope, (bytes, signature) => verifyStrict(fromHex(identityKey), bytes, signature)) as never;
