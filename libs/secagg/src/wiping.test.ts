/**
 * Claims, of what a hospital computes with in one attempt (SPEC, R6): (1) what is hashed or opened of a seed or a share is
 * overwritten when it has served, and so is the encoding that was hashed; (2) shares of earlier dealers are overwritten when a
 * later parcel, or the update itself, is refused.
 * Oracle: the very buffers that this library hands to libs/crypto or gets from it, looked at afterwards. Each of them holds a
 * secret at the time, which the test sees too.
 */
import { Buffer } from 'node:buffer';
import { toBase64 } from '@consilium/bytes';
import { secretBytes } from '@consilium/crypto';
import type * as crypto from '@consilium/crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type * as message from './messages.js';
import { at, dealtRound, five } from './rehearsal.js';
import type * as sharesModule from './shares.js';
import type { SharePair } from './shares.js';

/** Buffers that went into a hash or came out of a box, and what each held then. */
const seen = vi.hoisted(() => ({ used: [] as [Uint8Array, Buffer][], pairs: [] as [SharePair, Buffer][] }));
vi.mock('@consilium/crypto', async (original) => {
  const real = await original<typeof crypto>();
  const noted = (bytes: Uint8Array): Uint8Array => {
    seen.used.push([bytes, Buffer.from(bytes)]);
    return bytes;
  };
  return {
    ...real,
    sha256Of: (...parts: Uint8Array[]) => real.sha256Of(...parts.map(noted)),
    openSecret: (key: Uint8Array, sealed: Uint8Array) => noted(real.openSecret(key, sealed)),
    sealSecret: (key: Uint8Array, plaintext: Uint8Array) => real.sealSecret(key, noted(plaintext)),
  };
});
vi.mock('./shares.js', async (original) => {
  const real = await original<typeof sharesModule>();
  const parcelOpener: typeof real.parcelOpener = (...place) => {
    const open = real.parcelOpener(...place);
    return (...delivery) => {
      const pair = open(...delivery);
      seen.pairs.push([pair, Buffer.concat([pair.selfSeed, pair.maskKey])]);
      return pair;
    };
  };
  return { ...real, parcelOpener };
});
beforeEach(() => {
  seen.used.length = 0;
  seen.pairs.length = 0;
});
afterEach(() => vi.clearAllMocks());

/** Of buffers that held one of these secrets: how many there were, and how many hold it still. */
function holding(secrets: readonly Uint8Array[]): { then: number; now: number } {
  const has = (bytes: Buffer): boolean => secrets.some((secret) => bytes.includes(Buffer.from(secret)));
  const held = seen.used.filter(([, then]) => has(then));
  return { then: held.length, now: held.filter(([bytes]) => has(Buffer.from(bytes))).length };
}

it('leaves no copy of a self seed or of a share where they were hashed, sealed and opened', () => {
  const [all, round] = five();
  const adverts = round.adverts();
  const seeds = all.map(({ advertised }) => advertised.keys.selfSeed.slice());
  expect(holding(seeds)).toEqual({ then: 5, now: 0 }); // its commitment
  const roster = round.roster(adverts);
  const delivered = round.deliver(all.map((actor) => round.share(actor, roster)));
  round.mask(at(all, 1), delivered);
  const shares = seen.pairs.flatMap(([, pair]) => [pair.subarray(0, 32), pair.subarray(32)]);
  expect(shares).toHaveLength(10);
  // Sealed (two in one parcel) and hashed by the dealer, opened and hashed by the recipient.
  expect(holding(shares)).toEqual({ then: 5 + 10 + 5 + 10, now: 0 });
});

const isBlank = ({ selfSeed, maskKey }: SharePair): boolean => [...selfSeed, ...maskKey].every((byte) => byte === 0);

it('overwrites what earlier dealers gave when a later parcel is refused', () => {
  const { all, round, delivered } = dealtRound();
  const deliver = delivered.get('h3') as message.Deliver;
  const last = deliver.deliveries.at(-1) as message.Delivery;
  const deliveries = deliver.deliveries.with(-1, {
    ...last,
    parcel: { ...last.parcel, sealed: toBase64(secretBytes(138)) },
  });
  expect(() => round.mask(at(all, 3), new Map([['h3', { ...deliver, deliveries }]]))).toThrow();
  expect(seen.pairs).toHaveLength(4);
  expect(seen.pairs.map(([pair]) => isBlank(pair))).toEqual([true, true, true, true]);
});

it('overwrites all shares when the update is refused', () => {
  const { all, round, delivered } = dealtRound();
  Object.assign(round, { contributionOf: () => ({ update: new Float32Array(20).fill(9), examples: 1, metrics: [] }) }); // norm above 4
  expect(() => round.mask(at(all, 2), delivered)).toThrow(expect.objectContaining({ code: 'NOT_CLIPPED' }) as Error);
  expect(seen.pairs.map(([pair]) => isBlank(pair))).toEqual(new Array(5).fill(true));
});
