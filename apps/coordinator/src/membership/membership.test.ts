/**
 * Claims: only who has proved both keys by an open invitation becomes provisional, and only an approval of the roster as it is
 * makes it count; a key is one hospital's and never another's; it is replaced by itself alone, and every key since joining can
 * revoke, none before; nobody's change touches another's keys; what is kept cannot be altered or reordered unnoticed, and
 * several processes on one folder never decide on a state that is not the last. Oracle: statements signed here, the files.
 */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { digestWords, generateIdentity, ROSTER_WORDS } from '@consilium/crypto';
import { ProtocolError, rosterDigest, type HospitalId, type RosterLine } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { CoordinatorError } from '../errors.js';
import { openHome, writeCard, type Home } from '../home.js';
import { Membership } from './membership.js';
import { COMPARED, signedBy, TestMembers } from './test-members.js';

const NORTH = 'north' as HospitalId;
let directory: string;
let home: Home;
let nowMs: number;
let members: TestMembers;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-members-'));
  home = await openHome(join(directory, 'office'));
  await writeCard(home, 'office');
  nowMs = Date.UTC(2030, 0, 1);
  members = await TestMembers.open(home, () => new Date(nowMs));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const codeOf = (error: unknown): string => {
  if (error instanceof ProtocolError || error instanceof CoordinatorError) return error.code;
  throw error;
};
const outcome = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'accepted', codeOf);
const states = () => Object.fromEntries([...members.membership.state.members].map(([id, { state }]) => [id, state]));
const keysOf = (hospital: string) => members.membership.state.members.get(hospital as HospitalId)?.keys;

describe('joining', () => {
  it('makes provisional, once, and again for the same keys alone', async () => {
    const token = await members.invite('north');
    const { request, asked, identity } = members.joining('north', token);
    await members.admission.join(request, asked);
    expect(states()).toEqual({ north: 'provisional' });
    expect(await members.membership.active()).toEqual([]);
    // An answer may have been lost.
    expect(await outcome(members.admission.join(request, asked))).toBe('accepted');
    expect(await readdir(join(home.directory, 'membership'))).toHaveLength(2);
    const other = members.joining('north', token);
    expect(await outcome(members.admission.join(other.request, other.asked))).toBe('INVITATION_USED');
    expect(await members.membership.keyOf(NORTH)).toBe(toHex(identity.publicKey));
  });

  it('needs an invitation that is open, for this hospital, in its role and time', async () => {
    const attempt = async (hospital: string, token: string): Promise<string> => {
      const { request, asked } = members.joining(hospital, token);
      return outcome(members.admission.join(request, asked));
    };
    const [late, gone] = [await members.invite('late', { validDays: 2 }), await members.invite('gone')];
    const auditor = await members.invite('auditor', { role: 'auditor' });
    expect(await attempt('late', '00'.repeat(32))).toBe('INVITATION_UNKNOWN');
    expect(await attempt('gone', late)).toBe('INVITATION_ROLE');
    expect(await attempt('auditor', auditor)).toBe('INVITATION_ROLE');
    const [, invitation] = [...members.membership.state.invitations.values()];
    await members.membership.cancel(invitation?.invitationId ?? '', 'test');
    expect(await attempt('gone', gone)).toBe('INVITATION_CANCELLED');
    nowMs += 2 * 86_400_000 - 1;
    const inTime = members.joining('late', late);
    nowMs += 1;
    expect(await outcome(members.admission.join(inTime.request, inTime.asked))).toBe('INVITATION_EXPIRED');
    nowMs -= 1;
    expect(await outcome(members.admission.join(inTime.request, inTime.asked))).toBe('accepted');
  });

  it('proves both keys, which are two, for this challenge, token and coordinator', async () => {
    const token = await members.invite('north');
    const [identity, other] = [generateIdentity(), generateIdentity()];
    const joining = (...rest: Parameters<TestMembers['joining']> extends [unknown, unknown, ...infer R] ? R : never) =>
      members.joining('north', token, ...rest);
    const good = joining(identity);
    const parts = {
      'one key twice': joining(identity, identity),
      'another client nonce': joining(identity, other, { clientNonce: '0'.repeat(64) }),
      'another server nonce': joining(identity, other, { serverNonce: '0'.repeat(64) }),
      'another token': joining(identity, other, { tokenHash: '0'.repeat(64) as never }),
      'another coordinator': joining(identity, other, { coordinatorKey: '0'.repeat(64) }),
      'a key that it does not hold': joining(identity, other, { identityKey: toHex(other.publicKey) }),
      'a witness of another hospital': { ...good, request: { ...good.request, witness: joining().request.witness } },
      'a key of small order': joining(identity, other, { identityKey: '00'.repeat(32) }),
    };
    for (const [what, { request, asked }] of Object.entries(parts)) {
      expect(await outcome(members.admission.join(request, asked)), what).toBe('KEY_PROOF_INVALID');
    }
    expect(states()).toEqual({});
    expect(await outcome(members.admission.join(good.request, good.asked))).toBe('accepted');
  });

  it('gives no key two owners, whoever had it and as what', async () => {
    const first = await members.admit('north');
    const witness = generateIdentity();
    const { request, asked } = members.joining('west', await members.invite('west'), generateIdentity(), witness);
    await members.admission.join(request, asked);
    await members.membership.revoke(NORTH, 'left', 'test');
    for (const key of [first, witness]) {
      expect(await outcome(members.join(`south-${keysTried++}`, key))).toBe('KEY_IN_USE');
    }
    expect(await outcome(members.join('north', first))).toBe('KEY_IN_USE');
  });

  it('is invited once at a time, and not while it belongs', async () => {
    await members.invite('north');
    expect(await outcome(members.invite('north'))).toBe('INVITATION_EXISTS');
    nowMs += 7 * 86_400_000;
    await members.admit('north');
    expect(await outcome(members.invite('north'))).toBe('HOSPITAL_KNOWN');
  });
});
let keysTried = 0;

describe('the roster', () => {
  it('has words that follow from names and keys alone, in any order', () => {
    const lines = ['a', 'b', 'c'].map((id, i) => ({ hospitalId: id as HospitalId, identityKey: String(i).repeat(64) }));
    const [a, b, c] = lines as [RosterLine, RosterLine, RosterLine];
    const digest = rosterDigest(lines);
    // By Python: hashlib.sha256(json.dumps([...], separators=(',', ':'), sort_keys=True).encode()).
    expect(digest).toBe('1fca5c5899f0f0b824988925126ca2bc4694c5dfb4c9509be0a6995b8cb7cd3a');
    expect(rosterDigest([c, a, b])).toBe(digest);
    const words = digestWords(digest, ROSTER_WORDS);
    expect(words.split(' ')).toHaveLength(12);
    const others = [
      [a, b],
      [a, b, { ...c, identityKey: `${c.identityKey.slice(1)}3` }],
      [{ ...a, hospitalId: 'aa' as HospitalId }, b, c],
    ];
    for (const other of others) expect(digestWords(rosterDigest(other), ROSTER_WORDS)).not.toBe(words);
  });

  it('keeps its words when somebody is approved, and changes them when somebody comes, goes or turns a key', async () => {
    const seen: string[] = [];
    const look = () => seen.push(members.membership.words);
    const key = await members.join('north');
    look();
    await members.membership.approve(NORTH, COMPARED, 'test');
    expect(members.membership.words).toBe(seen[0]);
    await members.admit('south');
    look();
    const next = generateIdentity();
    await members.admission.rotate(NORTH, key.publicKey, members.rotation('north', key, next));
    look();
    await members.membership.revoke('south' as HospitalId, 'left', 'test');
    look();
    expect(new Set(seen).size).toBe(4);
  });

  it('is approved by the words that were compared, or not at all', async () => {
    await members.join('north');
    const { words } = members.membership;
    await members.join('south');
    expect(await outcome(members.membership.approve(NORTH, { ...COMPARED, words }, 'test'))).toBe('ROSTER_CHANGED');
    expect(await outcome(members.membership.approve('east' as HospitalId, COMPARED, 'test'))).toBe('HOSPITAL_UNKNOWN');
    const now = members.membership.words;
    await members.membership.approve(NORTH, { ...COMPARED, words: now }, 'test');
    expect(await outcome(members.membership.approve(NORTH, COMPARED, 'test'))).toBe('NOT_PROVISIONAL');
  });

  it('is verified under the current key, as it is now', async () => {
    const key = await members.admit('north');
    const said = { v: 1, from: NORTH, ...COMPARED, at: new Date().toISOString() } as const;
    const statement = signedBy('verification', { ...said, rosterDigest: members.membership.state.rosterDigest }, key);
    await members.admit('south');
    const verify = (hospital: HospitalId, by: Uint8Array, envelope = statement) =>
      outcome(members.admission.verify(hospital, by, { statement: envelope }));
    expect(await verify(NORTH, key.publicKey)).toBe('ROSTER_CHANGED');
    const now = signedBy('verification', { ...said, rosterDigest: members.membership.state.rosterDigest }, key);
    expect(await verify('south' as HospitalId, key.publicKey, now)).toBe('SENDER_MISMATCH');
    expect(await verify(NORTH, generateIdentity().publicKey, now)).toBe('SIGNATURE_INVALID');
    expect(await verify(NORTH, key.publicKey, now)).toBe('accepted');
    await members.membership.revoke(NORTH, 'left', 'test');
    expect(await verify(NORTH, key.publicKey, now)).toBe('HOSPITAL_REVOKED');
  });
});

describe('rotation and revocation', () => {
  it('needs the old key and the new one, and a new one that nobody ever had', async () => {
    const [key, south] = [await members.admit('north'), await members.admit('south')];
    const [next, thief] = [generateIdentity(), generateIdentity()];
    const rotate = (request: ReturnType<TestMembers['rotation']>) =>
      outcome(members.admission.rotate(NORTH, key.publicKey, request));
    const good = members.rotation('north', key, next);
    expect(await rotate(members.rotation('north', key, next, { old: thief, new: next }))).toBe('SIGNATURE_INVALID');
    expect(await rotate(members.rotation('north', key, next, { old: key, new: thief }))).toBe('KEY_PROOF_INVALID');
    expect(await rotate(members.rotation('north', thief, next, { old: key, new: next }))).toBe('SIGNATURE_INVALID');
    expect(await rotate(members.rotation('south', key, next))).toBe('SENDER_MISMATCH');
    expect(await rotate({ ...good, new: members.rotation('north', key, thief).new })).toBe('KEY_PROOF_INVALID');
    expect(await rotate(members.rotation('north', key, south))).toBe('KEY_IN_USE');
    expect(keysOf('north')).toEqual([toHex(key.publicKey)]);
    expect(await rotate(good)).toBe('accepted');
    // The old one is over: it neither rotates again nor is it taken back.
    expect(await rotate(members.rotation('north', key, thief))).toBe('SIGNATURE_INVALID');
    const back = members.rotation('north', next, key);
    expect(await outcome(members.admission.rotate(NORTH, next.publicKey, back))).toBe('KEY_IN_USE');
    expect(keysOf('south')).toEqual([toHex(south.publicKey)]);
  });

  it('is done by any key since joining, for this coordinator, and for good', async () => {
    const key = await members.admit('north');
    const kept = members.revocation('north', key);
    // Whoever stole the key and changed it does not keep the hospital in.
    const stolen = generateIdentity();
    await members.admission.rotate(NORTH, key.publicKey, members.rotation('north', key, stolen));
    const revoke = (request: ReturnType<TestMembers['revocation']>) => outcome(members.admission.revoke(request));
    expect(await revoke(members.revocation('north', generateIdentity()))).toBe('SIGNATURE_INVALID');
    expect(await revoke(members.revocation('south', key))).toBe('HOSPITAL_UNKNOWN');
    expect(await revoke(members.revocation('north', key, { coordinatorKey: '0'.repeat(64) }))).toBe(
      'COORDINATOR_UNKNOWN',
    );
    expect(states()).toEqual({ north: 'active' });
    expect(await revoke(kept)).toBe('accepted');
    expect(states()).toEqual({ north: 'revoked' });
    expect(await outcome(members.membership.keyOf(NORTH))).toBe('HOSPITAL_REVOKED');
    expect(await members.membership.active()).toEqual([]);
    const turn = members.rotation('north', stolen, generateIdentity());
    expect(await outcome(members.admission.rotate(NORTH, stolen.publicKey, turn))).toBe('HOSPITAL_REVOKED');
    // With a new key it belongs again, and what was kept for the old one ends nothing.
    const anew = await members.admit('north');
    expect(await revoke(kept)).toBe('SIGNATURE_INVALID');
    expect(keysOf('north')).toEqual([toHex(anew.publicKey)]);
  });

  it.each([1, 2, 3, 4])('touches nobody else, in any order of changes: seed %i', async (seed) => {
    const random = new SeededRandom(`membership/${seed}`);
    const names = ['a', 'b', 'c', 'd'];
    const keys = new Map(await Promise.all(names.map(async (name) => [name, await members.admit(name)] as const)));
    for (let step = 0; step < 24; step++) {
      const name = names[random.integer(names.length)] as string;
      const key = keys.get(name);
      const before = { ...states() };
      const others = names.filter((one) => one !== name).map((one) => keysOf(one));
      if (key === undefined) keys.set(name, await members.admit(name));
      else if (random.integer(3) === 0) {
        await members.membership.revoke(name as HospitalId, 'left', 'test');
        keys.delete(name);
      } else {
        const next = generateIdentity();
        await members.admission.rotate(name as HospitalId, key.publicKey, members.rotation(name, key, next));
        keys.set(name, next);
      }
      expect(names.filter((one) => one !== name).map((one) => keysOf(one))).toEqual(others);
      expect({ ...states(), [name]: 0 }).toEqual({ ...before, [name]: 0 });
    }
    const expected = [...keys].map(([name, { publicKey }]) => [name, toHex(publicKey)]).sort();
    const read = await (await Membership.open(home)).active();
    expect(read.map(({ hospitalId, identityKey }) => [hospitalId, identityKey])).toEqual(expected);
  });
});

describe('the journal', () => {
  it('is one for all processes of a folder: of decisions at the same moment, one is first', async () => {
    const token = await members.invite('north');
    const others = await Promise.all(Array.from({ length: 4 }, () => TestMembers.open(home, () => new Date(nowMs))));
    const answers = await Promise.all(
      others.map((other) => {
        const { request, asked } = other.joining('north', token);
        return outcome(other.admission.join(request, asked));
      }),
    );
    expect(answers.sort()).toEqual(['INVITATION_USED', 'INVITATION_USED', 'INVITATION_USED', 'accepted']);
    await members.membership.refresh();
    expect(members.membership.words).toBe((await Membership.open(home)).words);
  });

  it('is not read on where an entry is not what was written after the one before', async () => {
    await members.admit('north');
    await members.admit('south');
    const entry = (k: number): string => join(home.directory, 'membership', `00000${k}.json`);
    const kept = await readFile(entry(2), 'utf8');
    const open = () => outcome(Membership.open(home));
    for (const text of [
      kept.replace('north', 'n0rth'),
      kept.replace('"at":"2030', '"at":"2031'),
      kept.slice(0, -9),
      '',
    ]) {
      await writeFile(entry(2), text);
      expect(await open()).toBe('MEMBERSHIP_BROKEN');
    }
    await writeFile(entry(2), kept);
    expect(await open()).toBe('accepted');
    // One left out: those after it do not move up.
    await rm(entry(3));
    for (const k of [4, 5, 6]) await rename(entry(k), entry(k - 1));
    expect(await open()).toBe('MEMBERSHIP_BROKEN');
  });

  it('keeps so many refusals of a kind a day, and of nobody who is not known', async () => {
    await members.admit('north');
    for (let k = 0; k < 15; k++) await members.admission.noteRefusal(NORTH, 'join', 'INVITATION_USED');
    await members.admission.noteRefusal(NORTH, 'join', 'KEY_PROOF_INVALID');
    await members.admission.noteRefusal('nobody' as HospitalId, 'join', 'INVITATION_USED');
    nowMs += 86_400_000;
    await members.admission.noteRefusal(NORTH, 'join', 'INVITATION_USED');
    const codes = members.membership.state.refusals.get(NORTH)?.map(({ code }) => code);
    expect(codes).toEqual([...Array<string>(10).fill('INVITATION_USED'), 'KEY_PROOF_INVALID', 'INVITATION_USED']);
    expect(members.membership.state.refusals.has('nobody' as HospitalId)).toBe(false);
  });
});
