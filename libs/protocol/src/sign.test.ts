/**
 * Claims: (1) every kind of statement survives sign -> open, and its digest names its bytes and not its signature;
 * (2) opening refuses, each with its code: another kind, a changed byte, a signature made for another kind, an unknown
 * field, another spelling of the same value, a list that is too long, and anything that is no envelope; (3) `verify` is
 * asked only about bytes that have the right form; (4) no refusal quotes what the peer sent.
 * Oracle: a stand-in signature written here (a keyed hash of the bytes); real Ed25519 is in tests/protocol.
 */
import { describe, expect, it } from 'vitest';
import {
  canonicalBytes,
  concatBytes,
  equalBytes,
  sha256,
  sha256Hex,
  toBase64,
  utf8,
  type Json,
} from '@consilium/bytes';
import { preAuthEncoding, type Envelope } from './envelope.js';
import { ProtocolError, type RefusalCode } from './errors.js';
import { pushedSchema } from './events.js';
import type { HospitalId, RunId } from './ids.js';
import { limits } from './limits.js';
import { sampleStatements, statementNames } from './samples.js';
import { openStatement, parseUnverified, signStatement } from './sign.js';
import { payloadType, type StatementName } from './statements.js';

const sign = (bytes: Uint8Array): Uint8Array =>
  concatBytes(sha256(concatBytes(utf8('a'), bytes)), sha256(concatBytes(utf8('b'), bytes)));
const verify = (bytes: Uint8Array, signature: Uint8Array): boolean => equalBytes(sign(bytes), signature);

/** An envelope that is signed rightly over a payload of any bytes. */
function sealed(name: StatementName, payload: Uint8Array): Envelope {
  const type = payloadType(name);
  const sig = toBase64(sign(preAuthEncoding(type, payload)));
  return { payloadType: type, payload: toBase64(payload), signatures: [{ keyid: 'k', sig }] };
}

function refusalOf(name: StatementName, input: unknown): ProtocolError {
  try {
    openStatement(name, input, verify);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
const codeOf = (name: StatementName, input: unknown): RefusalCode => refusalOf(name, input).code;

describe.each(statementNames)('%s', (name) => {
  const body = sampleStatements[name];
  const { envelope, digest } = signStatement(name, body, 'k', sign);

  it('comes back as it was, also through JSON text', () => {
    const opened = openStatement(name, JSON.parse(JSON.stringify(envelope)), verify);
    expect(opened.body).toEqual(body);
    expect(opened.envelope).toEqual(envelope);
    expect(opened.digest).toBe(digest);
    expect(digest).toBe(sha256Hex(preAuthEncoding(payloadType(name), canonicalBytes(body as Json))));
  });

  it('is refused under every other name, whether or not the envelope is relabelled', () => {
    for (const other of statementNames.filter((candidate) => candidate !== name)) {
      expect(codeOf(other, envelope)).toBe('TYPE_MISMATCH');
      // Relabelled, it either lacks the form of the other kind or carries a signature for this one.
      const relabelled = { ...envelope, payloadType: payloadType(other) };
      expect(['MESSAGE_INVALID', 'SIGNATURE_INVALID']).toContain(codeOf(other, relabelled));
    }
  });

  it('is refused with a field too many, one too few, or one of another type', () => {
    const refused = (changed: object): void => {
      expect(codeOf(name, sealed(name, canonicalBytes(changed as Json)))).toBe('MESSAGE_INVALID');
    };
    refused({ ...body, extra: 1 });
    refused({ ...body, v: 2 });
    for (const field of Object.keys(body)) {
      refused(Object.fromEntries(Object.entries(body).filter(([key]) => key !== field)));
      refused({ ...body, [field]: { nested: [] } });
    }
  });

  it('is refused in any other spelling than the canonical one', () => {
    const canonical = new TextDecoder().decode(canonicalBytes(body));
    const spellings = [
      ` ${canonical}`,
      `${canonical}\n`,
      canonical.replace('{', '{"v":1,'),
      canonical.replace('"v":1', '"v":1.0'),
      JSON.stringify(Object.fromEntries(Object.entries(body).toSorted(([a], [b]) => (a < b ? 1 : -1)))),
      JSON.stringify(body, null, 1),
    ];
    for (const spelling of spellings) {
      expect(spelling).not.toBe(canonical);
      expect(codeOf(name, sealed(name, utf8(spelling)))).toBe('MESSAGE_INVALID');
    }
    expect(openStatement(name, sealed(name, utf8(canonical)), verify).digest).toBe(digest);
  });
});

describe('the signature', () => {
  const { envelope } = signStatement('update', sampleStatements.update, 'k', sign);

  it('covers every byte of the payload', () => {
    const payload = canonicalBytes({ ...sampleStatements.update, examples: 813 });
    expect(codeOf('update', { ...envelope, payload: toBase64(payload) })).toBe('SIGNATURE_INVALID');
  });

  it('does not cover the key id, and the digest is the same with another signature', () => {
    const other = { ...envelope, signatures: [{ keyid: 'someone', sig: `${'A'.repeat(86)}==` }] };
    expect(codeOf('update', other)).toBe('SIGNATURE_INVALID');
    expect(parseUnverified('update', other).digest).toBe(parseUnverified('update', envelope).digest);
  });

  it('is verified only after the whole form was checked', () => {
    const never = (): boolean => {
      throw new Error('verify was asked about a malformed statement');
    };
    const malformed = sealed('update', canonicalBytes({ ...sampleStatements.update, examples: 0 }));
    expect(() => openStatement('update', malformed, never)).toThrow(ProtocolError);
    expect(() => openStatement('plan', envelope, never)).toThrow(ProtocolError);
  });

  it('passes on what verify throws: handshakes say more than yes or no', () => {
    const unknown = (): boolean => {
      throw new ProtocolError('COORDINATOR_UNKNOWN');
    };
    expect(() => openStatement('update', envelope, unknown)).toThrow(
      expect.objectContaining({ code: 'COORDINATOR_UNKNOWN' }),
    );
  });
});

describe('an input that is no envelope', () => {
  const { envelope } = signStatement('consent', sampleStatements.consent, 'k', sign);
  const [signature] = envelope.signatures;
  const inputs: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    text: JSON.stringify(envelope),
    'an array': [envelope],
    'a field too many': { ...envelope, extra: 1 },
    'no signature': { ...envelope, signatures: [] },
    'two signatures': { ...envelope, signatures: [signature, signature] },
    'a short signature': { ...envelope, signatures: [{ ...signature, sig: 'AAAA' }] },
    'a signature that is not base64': { ...envelope, signatures: [{ ...signature, sig: '*'.repeat(88) }] },
    'a long key id': { ...envelope, signatures: [{ ...signature, keyid: 'k'.repeat(65) }] },
    'a payload that is not base64': { ...envelope, payload: '{"v":1}' },
    'base64 with spare bits': { ...envelope, payload: 'Zh==' },
    'an empty payload': { ...envelope, payload: '' },
    'a payload of 190,000 open brackets': { ...envelope, payload: toBase64(utf8('['.repeat(190_000))) },
    'an array 90,000 deep': { ...envelope, payload: toBase64(utf8('['.repeat(90_000) + ']'.repeat(90_000))) },
    'a payload above the limit': { ...envelope, payload: 'A'.repeat(limits.statementBytes + 4) },
  };
  it.each(Object.entries(inputs))('is refused: %s', (_name, input) => {
    expect(codeOf('consent', input)).toBe('MESSAGE_INVALID');
  });
});

describe('limits', () => {
  const hospitals = (count: number): HospitalId[] =>
    Array.from({ length: count }, (_, i) => `h-${i}-${'x'.repeat(50)}` as HospitalId);

  it('a plan for 200 hospitals fits, one for 201 is refused on both sides', () => {
    const plan = { ...sampleStatements.plan, cohort: hospitals(limits.hospitals) };
    expect(openStatement('plan', signStatement('plan', plan, 'k', sign).envelope, verify).body).toEqual(plan);
    const larger = { ...plan, cohort: hospitals(limits.hospitals + 1) };
    expect(() => signStatement('plan', larger, 'k', sign)).toThrow();
    expect(codeOf('plan', sealed('plan', canonicalBytes(larger as Json)))).toBe('MESSAGE_INVALID');
  });

  it('a roster of 200 hospitals and its unmask request fit, whatever their names; nothing else may be as large', () => {
    const [from, runId] = ['h'.repeat(63) as HospitalId, 'r'.repeat(63) as RunId];
    const largest = { from, runId, round: limits.rounds, attempt: 1_000 };
    const forwards = (name: 'advert' | 'agree') => {
      const { envelope } = signStatement(name, { ...sampleStatements[name], ...largest }, from, sign);
      return Array.from({ length: limits.hospitals }, (_, i) => ({ x: i + 1, envelope }));
    };
    const header = { runId, round: limits.rounds, attempt: 1_000 };
    const roster = { ...sampleStatements.roster, ...header, adverts: forwards('advert') };
    const { envelope } = signStatement('roster', roster, 'k'.repeat(64), sign);
    expect(envelope.payload.length).toBeGreaterThan(limits.statementBytes);
    expect(openStatement('roster', pushedSchema.parse({ name: 'roster', envelope }).envelope, verify).body).toEqual(
      roster,
    );
    const request = { ...sampleStatements['unmask-request'], ...header, agrees: forwards('agree') };
    expect(() => signStatement('unmask-request', request, 'k'.repeat(64), sign)).not.toThrow();
    const payload = 'A'.repeat(limits.statementBytes + 4);
    expect(codeOf('survivors', { ...envelope, payload })).toBe('MESSAGE_INVALID');
    expect(codeOf('roster', { ...envelope, payload: 'A'.repeat(limits.rosterBytes + 4) })).toBe('MESSAGE_INVALID');
  });

  it('as many examples as 200 hospitals may claim can be summed in an aggregate', () => {
    const claimed = { ...sampleStatements.update, examples: 100_000_000 };
    expect(() => signStatement('update', claimed, 'k', sign)).not.toThrow();
    const sum = { ...sampleStatements.aggregate, totalExamples: 200 * claimed.examples };
    expect(() => signStatement('aggregate', sum, 'k', sign)).not.toThrow();
  });

  it('refuses to sign what no peer would open', () => {
    const study = { name: 'x', labels: Array.from({ length: 1_000 }, () => '\0'.repeat(64)) };
    const config = { ...sampleStatements['run-config'], study };
    expect(() => signStatement('run-config', config, 'k', sign)).toThrow(RangeError);
  });
});

it('quotes nothing of a hostile statement: field names at most', () => {
  // Too long for any field that takes free text.
  const canary = 'CANARY'.repeat(50);
  for (const name of statementNames) {
    const body = sampleStatements[name];
    const hostile: unknown[] = [{ ...body, [canary]: canary }, canary, [canary], { [canary]: 1 }];
    for (const field of Object.keys(body)) {
      hostile.push(
        { ...body, [field]: canary },
        { ...body, [field]: { [canary]: canary } },
        { ...body, [field]: [canary] },
      );
    }
    for (const value of hostile) {
      expect(refusalOf(name, sealed(name, canonicalBytes(value as Json))).message).not.toContain('CANARY');
    }
    expect(refusalOf(name, { payloadType: canary, payload: canary, [canary]: 1 }).message).not.toContain('CANARY');
    expect(refusalOf(name, { ...sealed(name, utf8(canary)), payloadType: canary }).message).not.toContain('CANARY');
    expect(refusalOf(name, sealed(name, utf8(canary))).message).not.toContain('CANARY');
  }
});
