/**
 * Claims, of real hospitals whose attempt of a secure round ends before its sum (libs/secagg/SPEC.md, R6): whichever way it
 * ends (left out, a complaint, the end of the run, an answer that is no answer, silence until its time is over), own keys and
 * the others' shares are overwritten, no later word of the attempt is answered, and with the run the update goes too. An
 * exchange whose time ran out while it waited for an answer goes on with nothing.
 * Oracle: the very buffers, taken where libs/secagg and the learner make them, each of which was seen to hold something; and
 * what the coordinator heard.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { canonicalBytes, toHex } from '@consilium/bytes';
import type { Delivery, Envelope, RunId, Statement } from '@consilium/protocol';
import type * as headModule from '../support/expected-head.js';
import { LyingCoordinator } from '../support/lying-coordinator.js';
import { merkleRoot, shareRootOf } from '../support/puppet.js';
import { until } from '../support/until.js';

const held = vi.hoisted(() => ({ keys: [] as object[], shares: new Map<string, object[]>(), updates: [] as object[] }));
vi.mock('../../libs/secagg/src/keys.js', async (original) => {
  const real = await original<{ generateAttemptKeys: () => object }>();
  const generateAttemptKeys = (): object => {
    const keys = real.generateAttemptKeys();
    held.keys.push(keys);
    return keys;
  };
  return { ...real, generateAttemptKeys };
});
vi.mock('../../libs/secagg/src/shares.js', async (original) => {
  type Opener = (
    cohort: object,
    recipient: { hospitalId: string },
    key: Uint8Array,
  ) => (...delivery: object[]) => object;
  const real = await original<{ parcelOpener: Opener }>();
  const parcelOpener: Opener = (cohort, recipient, key) => {
    const open = real.parcelOpener(cohort, recipient, key);
    return (...delivery) => {
      const pair = open(...delivery);
      held.shares.set(recipient.hospitalId, [...(held.shares.get(recipient.hospitalId) ?? []), pair]);
      return pair;
    };
  };
  return { ...real, parcelOpener };
});
vi.mock('../support/expected-head.js', async (original) => {
  const real = await original<typeof headModule>();
  const waveUpdate: typeof real.waveUpdate = (hospital, length) => (round) => {
    const update = real.waveUpdate(hospital, length)(round);
    held.updates.push({ update });
    return update;
  };
  return { ...real, waveUpdate };
});

const ALL = ['a', 'b', 'c', 'd'];
let lying: LyingCoordinator;
beforeEach(() => {
  held.keys.length = 0;
  held.updates.length = 0;
  held.shares.clear();
});
afterEach(() => lying.dismiss());

const heard = (name: string): string[] => lying.said.flatMap((word) => (word.name === name ? [word.from] : [])).sort();

/** Secrets of any depth: whatever is a typed array. */
function buffersOf(secret: object): (Uint8Array | Float32Array)[] {
  if (secret instanceof Uint8Array || secret instanceof Float32Array) return [secret];
  return Object.entries(secret).flatMap(([name, part]) =>
    name !== 'publicKey' && typeof part === 'object' && part !== null ? buffersOf(part as object) : [],
  );
}
const areBlank = (secrets: readonly object[]): boolean =>
  secrets.length > 0 && secrets.flatMap(buffersOf).every((buffer) => buffer.every((part: number) => part === 0));

interface Keys {
  readonly mask: { readonly publicKey: Uint8Array };
}
/** Made in the attempt that is led. */
function keysOf(hospital: string): object[] {
  const advert = lying.wordsOf('advert').find(({ from }) => from === hospital)?.opened.body as { maskKey: string };
  return held.keys.filter((keys) => toHex((keys as Keys).mask.publicKey) === advert.maskKey);
}
const sharesOf = (hospital: string): object[] => held.shares.get(hospital) ?? [];

async function summon(...options: [Parameters<typeof LyingCoordinator.summon>[1]?]): Promise<void> {
  lying = await LyingCoordinator.summon(ALL, ...options);
}

describe('a hospital that is left out', () => {
  it('of the roster has no keys any more, and deals no shares to another one', async () => {
    await summon();
    lying.plan();
    const roster = await lying.due('roster');
    expect(areBlank(keysOf('d'))).toBe(false);
    lying.tell('roster', { ...roster, adverts: roster.adverts.filter(({ x }) => x !== lying.xOf('d')) }, ['d']);
    await until(() => heard('decline').includes('d'));
    expect(areBlank(keysOf('d'))).toBe(true);
    lying.tell('roster', roster, ['d']);
    await lying.finish();
    expect(heard('shares')).toEqual([]);
    expect(areBlank(held.updates)).toBe(true);
  });

  it('of the survivors has no shares any more, and agrees to no other set', async () => {
    await summon();
    lying.plan();
    const survivors = await lying.due('survivors');
    expect(areBlank(sharesOf('d'))).toBe(false);
    lying.tell('survivors', { ...survivors, survivors: survivors.survivors.filter(({ x }) => x !== lying.xOf('d')) }, [
      'd',
    ]);
    await until(() => heard('decline').includes('d'));
    expect(areBlank(sharesOf('d'))).toBe(true);
    lying.tell('survivors', survivors);
    await lying.finish();
    expect(heard('agree')).toEqual(['a', 'b', 'c']);
    expect(ALL.map((name) => areBlank(sharesOf(name)))).toEqual([true, true, true, true]);
    expect(areBlank(held.updates)).toBe(true);
  });
});

it('a hospital that complained has no secrets any more, and masks nothing with a second, good delivery', async () => {
  await summon();
  lying.plan();
  const deliver = await lying.due('deliver');
  const honest = lying.deliveries as (hospital: string) => readonly Delivery[];
  lying.deliveries = (hospital) => honest(hospital).map((delivery) => (delivery.x === 3 ? badly(delivery) : delivery));
  lying.tell('deliver', deliver, ['a']);
  await until(() => heard('decline').includes('a'));
  expect(heard('complaint')).toEqual(['a']);
  expect(areBlank(keysOf('a')) && areBlank(sharesOf('a'))).toBe(true);
  lying.deliveries = honest;
  lying.tell('deliver', deliver, ['a']);
  await lying.finish();
  expect(heard('masked')).toEqual([]);
});

/** c signs parcels of which the one for a does not open. */
function badly(delivery: Delivery): Delivery {
  const own = lying.wordsOf('shares').find(({ from }) => from === 'c');
  if (own === undefined) throw new Error('c dealt no shares');
  const parcels = own.parcels.map((parcel, at) => (at === 0 ? { ...parcel, sealed: 'A'.repeat(152) } : parcel));
  const [leaf, ...others] = parcels.map(canonicalBytes);
  const head = lying.forge('shares', { ...own.opened.body, shareRoot: shareRootOf(parcels) }, 'c') as Envelope;
  expect([leaf, ...others]).toHaveLength(4);
  const proof = [others.slice(0, 1), others.slice(1)].map((below) => toHex(merkleRoot(below)));
  return { ...delivery, head, parcel: parcels[0] as Delivery['parcel'], proof: proof as never };
}

it('the end of the run takes everything along', async () => {
  await summon();
  lying.plan();
  await lying.due('deliver');
  expect(ALL.map((name) => areBlank(keysOf(name)))).toEqual([false, false, false, false]);
  await lying.finish();
  expect(ALL.map((name) => areBlank(keysOf(name)))).toEqual([true, true, true, true]);
  expect(areBlank(held.updates)).toBe(true);
});

it('so does an answer that is no answer', async () => {
  await summon();
  lying.plan();
  const deliver = await lying.due('deliver');
  lying.deliveries = () => 'nothing' as never;
  lying.tell('deliver', deliver);
  for (const name of ALL) expect(await lying.refusalOf(name)).not.toBe('aborted');
  expect(ALL.map((name) => areBlank(keysOf(name)))).toEqual([true, true, true, true]);
  expect(areBlank(held.updates)).toBe(true);
});

it('a hospital that refused the run answers no other attempt of it, also where another run keeps it connected', async () => {
  await summon();
  const { body } = lying.fake.config;
  lying.tell('run-config', { ...body, runId: 'second' as RunId }, ['a']);
  await until(() => lying.fake.heard.filter((request) => request === 'consent').length > ALL.length);
  lying.plan();
  const roster = await lying.due('roster');
  const forged = roster.adverts.map((entry) => ({ ...entry, envelope: roster.adverts[0]?.envelope as Envelope }));
  lying.tell('roster', { ...roster, adverts: forged }, ['a']);
  await until(() => areBlank(keysOf('a')));
  expect(lying.outcomes.size).toBe(0);
  lying.plan({ attempt: 2 });
  lying.present = ['b', 'c', 'd'];
  await lying.due('roster');
  expect(
    lying
      .wordsOf('advert')
      .map(({ from }) => from)
      .sort(),
  ).toEqual(['b', 'c', 'd']);
});

describe('a coordinator that says no more', () => {
  const brief = { config: { secagg: { tolerated: 1, weightCap: 100, zMax: 2 ** 20, stageTimeoutMs: 1 } } };
  const soon = (): Partial<Statement<'secagg-plan'>> => ({ issuedAtMs: Date.now(), deadlineMs: Date.now() + 8_000 });

  it('leaves no secrets behind when the time of the attempt is over', async () => {
    await summon(brief);
    lying.plan(soon());
    const roster = await lying.due('roster');
    await until(() => areBlank(held.keys) && areBlank(held.updates));
    lying.tell('roster', roster);
    await lying.finish();
    expect(heard('shares')).toEqual([]);
  });

  it('and answers then gets no vector: nothing is masked with keys that are gone', async () => {
    await summon(brief);
    lying.plan(soon());
    const deliver = await lying.due('deliver');
    lying.beforeDeliveries = until(() => areBlank(held.keys));
    lying.tell('deliver', deliver);
    await until(() => heard('decline').length === 4);
    expect([heard('masked'), heard('complaint')]).toEqual([[], []]);
  });
});
