/**
 * Claims: a session belongs to a hospital only after a proof for its own last challenge under the enrolled key; a challenge
 * serves once; what is proved stays. Oracle: proofs signed here, each wrong in one thing.
 */
import { describe, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { openStatement, ProtocolError, signStatement, type Envelope, type HospitalId } from '@consilium/protocol';
import { Session, type KeyOf } from './session.js';

const NORTH = 'north' as HospitalId;
const office = generateIdentity();
const north = generateIdentity();
const keyOf: KeyOf = (hospital) => Promise.resolve(hospital === NORTH ? toHex(north.publicKey) : undefined);
const HELLO = { versions: { min: 1, max: 1 }, hospitalId: NORTH, nonce: '0a'.repeat(32) };

/** The honest answer, but for the changes. */
function answer(challenge: Envelope, changes: object = {}, signer: Identity = north): { answer: Envelope } {
  const { body } = openStatement('challenge', challenge, (bytes, signature) =>
    verifyStrict(office.publicKey, bytes, signature),
  );
  const proof = { ...body, coordinatorKey: toHex(office.publicKey), ...changes };
  return {
    answer: signStatement('challenge-answer', proof, NORTH, (bytes) => signBytes(signer, bytes)).envelope,
  };
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.code;
  }
}

describe('Session', () => {
  it('becomes the hospital that proves itself', async () => {
    const session = new Session(office, keyOf);
    expect(await codeOf(() => session.authenticated())).toBe('NOT_AUTHENTICATED');
    const { challenge } = session.hello(HELLO);
    expect(session.hospitalId).toBeUndefined();
    expect(await session.prove(answer(challenge))).toEqual({ protocol: 1 });
    expect(session.authenticated()).toMatchObject({ hospitalId: NORTH, key: north.publicKey });
  });

  it.each([
    ['under another key', {}, generateIdentity(), 'SIGNATURE_INVALID'],
    ['for another nonce of its own', { clientNonce: '0b'.repeat(32) }, north, 'SIGNATURE_INVALID'],
    ['for another nonce of ours', { serverNonce: '0b'.repeat(32) }, north, 'SIGNATURE_INVALID'],
    ['for another coordinator', { coordinatorKey: '0b'.repeat(32) }, north, 'SIGNATURE_INVALID'],
    ['for another version', { protocol: 2 }, north, 'SIGNATURE_INVALID'],
  ])('refuses a proof %s, and the challenge is used up', async (_, changes, signer, code) => {
    const session = new Session(office, keyOf);
    const { challenge } = session.hello(HELLO);
    expect(await codeOf(() => session.prove(answer(challenge, changes, signer)))).toBe(code);
    expect(await codeOf(() => session.prove(answer(challenge)))).toBe('NOT_AUTHENTICATED');
    expect(session.hospitalId).toBeUndefined();
  });

  it('takes only the last challenge, and never gives one twice', async () => {
    const session = new Session(office, keyOf);
    const older = session.hello(HELLO).challenge;
    expect(session.hello(HELLO).challenge.payload).not.toBe(older.payload);
    expect(await codeOf(() => session.prove(answer(older)))).toBe('SIGNATURE_INVALID');
  });

  it('knows who is enrolled and which versions it speaks', async () => {
    const session = new Session(office, () => Promise.resolve(undefined));
    const { challenge } = session.hello(HELLO);
    expect(await codeOf(() => session.prove(answer(challenge)))).toBe('HOSPITAL_UNKNOWN');
    const newer = { ...HELLO, versions: { min: 2, max: 9 } };
    expect(await codeOf(() => new Session(office, keyOf).hello(newer))).toBe('VERSION_UNSUPPORTED');
  });

  it('stays what it has proved', async () => {
    const session = new Session(office, keyOf);
    await session.prove(answer(session.hello(HELLO).challenge));
    expect(await codeOf(() => session.hello(HELLO))).toBe('MESSAGE_INVALID');
    expect(session.hospitalId).toBe(NORTH);
  });

  it('is one hospital, also when a second hello overtakes the look-up of the first proof', async () => {
    const south = generateIdentity();
    const names: Record<string, Identity> = { north, south };
    const session = new Session(office, async (hospital) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return names[hospital] && toHex(names[hospital].publicKey);
    });
    const first = session.prove(answer(session.hello(HELLO).challenge));
    const second = session.hello({ ...HELLO, hospitalId: 'south' as HospitalId });
    await first;
    expect(await codeOf(() => session.prove(answer(second.challenge, {}, south)))).toBe('MESSAGE_INVALID');
    expect(session.hospitalId).toBe(NORTH);
  });
});
