/** Statement -> signed envelope, and back. Keys and curves stay outside: the caller passes `sign` and `verify`. */
import {
  BytesError,
  canonicalBytes,
  fromBase64,
  fromHex,
  parseCanonicalJson,
  sha256Hex,
  toBase64,
} from '@consilium/bytes';
import { envelopeSchema, largestEnvelopeSchema, preAuthEncoding, type Envelope } from './envelope.js';
import { ProtocolError } from './errors.js';
import type { Digest } from './ids.js';
import { limits } from './limits.js';
import { payloadType, statements, type Statement, type StatementName } from './statements.js';

export interface Opened<N extends StatementName> {
  readonly body: Statement<N>;
  /** SHA-256 over the pre-authentication encoding: names the statement, whatever its signature bytes are. */
  readonly digest: Digest;
  readonly envelope: Envelope;
}

/**
 * @param keyId - tells people which key signed; never trusted.
 * @throws RangeError for a statement that no peer would open: larger than {@link limits} `statementBytes`, or `rosterBytes`.
 */
export function signStatement<N extends StatementName>(
  name: N,
  body: Statement<N>,
  keyId: string,
  sign: (bytes: Uint8Array) => Uint8Array,
): Opened<N> {
  const type = payloadType(name);
  const bytes = canonicalBytes(statements[name].parse(body));
  const payload = toBase64(bytes);
  if (payload.length > (name === 'roster' ? limits.rosterBytes : limits.statementBytes))
    throw new RangeError(`this ${name} is too large for an envelope`);
  const signed = preAuthEncoding(type, bytes);
  return {
    body,
    digest: sha256Hex(signed) as Digest,
    envelope: {
      payloadType: type,
      payload,
      signatures: [{ keyid: keyId, sig: toBase64(sign(signed)) }],
    },
  };
}

/**
 * Parses hostile input in full and checks nothing about who signed it: for the few places where the key is inside.
 *
 * @throws {@link ProtocolError} `MESSAGE_INVALID` or `TYPE_MISMATCH`.
 */
export function parseUnverified<N extends StatementName>(
  name: N,
  input: unknown,
): Opened<N> & { readonly signedBytes: Uint8Array; readonly signature: Uint8Array } {
  const parsed = (name === 'roster' ? largestEnvelopeSchema : envelopeSchema).safeParse(input);
  if (!parsed.success) throw new ProtocolError('MESSAGE_INVALID', 'not an envelope');
  const envelope = parsed.data;
  if (envelope.payloadType !== payloadType(name)) throw new ProtocolError('TYPE_MISMATCH', `expected ${name}`);
  try {
    const bytes = fromBase64(envelope.payload);
    const body = statements[name].safeParse(parseCanonicalJson(bytes));
    if (!body.success) throw new ProtocolError('MESSAGE_INVALID', `${name}: ${where(body.error.issues)}`);
    const signedBytes = preAuthEncoding(envelope.payloadType, bytes);
    return {
      body: body.data as Statement<N>,
      digest: sha256Hex(signedBytes) as Digest,
      envelope,
      signedBytes,
      signature: fromBase64(envelope.signatures[0].sig),
    };
  } catch (error) {
    if (error instanceof BytesError) throw new ProtocolError('MESSAGE_INVALID', `${name}: ${error.code}`);
    throw error;
  }
}

/**
 * Parses and verifies in one step.
 *
 * @param verify - strict Ed25519 over the key that the sender is enrolled or pinned with.
 * @throws {@link ProtocolError} `MESSAGE_INVALID`, `TYPE_MISMATCH` or `SIGNATURE_INVALID`.
 */
export function openStatement<N extends StatementName>(
  name: N,
  input: unknown,
  verify: (bytes: Uint8Array, signature: Uint8Array) => boolean,
): Opened<N> {
  const { signedBytes, signature, ...opened } = parseUnverified(name, input);
  if (!verify(signedBytes, signature)) throw new ProtocolError('SIGNATURE_INVALID', name);
  return opened;
}

/**
 * Opens a file with a statement that carries the key it is signed with: proof that its sender holds the secret half, and
 * nothing about who the sender is. That is what people compare fingerprints for.
 *
 * @param text - the file's text, untrusted.
 * @param verify - strict Ed25519, which refuses keys of small order.
 * @throws {@link ProtocolError} `MESSAGE_INVALID`, `TYPE_MISMATCH` or `SIGNATURE_INVALID`.
 */
export function openSelfSigned<N extends 'enrolment' | 'coordinator-card' | 'invitation' | 'revocation'>(
  name: N,
  text: string,
  verify: (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean,
): Statement<N> {
  if (text.length > limits.statementBytes) throw new ProtocolError('MESSAGE_INVALID', 'too large');
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new ProtocolError('MESSAGE_INVALID', 'not JSON');
  }
  const key = fromHex(parseUnverified(name, input).body.identityKey);
  return openStatement(name, input, (bytes, signature) => verify(key, bytes, signature)).body;
}

/** Field names of what is wrong, never the values: they may be anything that a hostile peer likes. */
const where = (issues: readonly { path: PropertyKey[]; code: string }[]): string =>
  issues
    .slice(0, 3)
    .map((issue) => `${issue.path.slice(0, 4).map(String).join('.').slice(0, 80)} ${issue.code}`)
    .join('; ')
    .slice(0, limits.statementBytes);
