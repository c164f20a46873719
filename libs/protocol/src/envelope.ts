/**
 * DSSE v1: what is signed is the type and the exact bytes, so a signature for one kind of statement is none for another.
 * @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
import { z } from 'zod';
import { concatBytes, utf8 } from '@consilium/bytes';
import { limits } from './limits.js';
import { plainObject } from './plain-object.js';

const envelopeUpTo = (payloadCharacters: number) =>
  plainObject({
    payloadType: z.string().max(100),
    payload: z.string().max(payloadCharacters),
    signatures: z.tuple([plainObject({ keyid: z.string().max(64), sig: z.string().length(88) })]),
  });

export const envelopeSchema = envelopeUpTo(limits.statementBytes);
/** Of a `roster`; the others are measured when they are opened. */
export const largestEnvelopeSchema = envelopeUpTo(limits.rosterBytes);

export type Envelope = z.infer<typeof envelopeSchema>;

/** `PAE(type, body) = "DSSEv1" SP len(type) SP type SP len(body) SP body`, lengths in bytes. */
export function preAuthEncoding(type: string, body: Uint8Array): Uint8Array {
  return concatBytes(utf8(`DSSEv1 ${utf8(type).length} ${type} ${body.length} `), body);
}
