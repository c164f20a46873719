/**
 * Claims, of a real coordinator and real hospitals in a secure round with one hospital, `mallory`, that is enrolled and
 * hostile; numbers are those of the threat model. What it may not send is refused by a code and changes nothing; what cannot be
 * seen before the sum is opened ends the run without a head; who can be proved guilty is named.
 * Oracle: FedAvg in float64 over those whose vectors are in the sum (support/secure-siege.ts).
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '@consilium/protocol';
import type { HostileHospital } from '../support/hostile-hospital.js';
import { malleated } from '../support/malleated.js';
import { addUnseen, bytesOf } from '../support/puppet.js';
import { afterRecord } from '../support/secure-part.js';
import { SecureSiege } from '../support/secure-siege.js';
import { until } from '../support/until.js';

const HONEST = ['a', 'b', 'c'];
const [EVERYBODY] = [[...HONEST, 'mallory']];
/** Words of a vector: count, weight, seven figures, then coordinates. */
const [COUNT, WEIGHT, COORDINATE] = [0, 1, 9];
let siege: SecureSiege;
let mallory: HostileHospital;

async function begin(
  rounds = 1,
  honest: (name: string) => Promise<void> = (name) => siege.start(name),
  names: readonly string[] = HONEST,
): Promise<void> {
  siege = await SecureSiege.lay([...names, 'mallory'], { rounds });
  mallory = await siege.play('mallory');
  for (const name of names) await honest(name);
}
afterEach(() => siege.lift());

describe('8. and 9. keys and signatures of an advert', () => {
  beforeEach(() => begin());

  it('8. of low order are refused, in either place', async () => {
    const body = await mallory.advertBody();
    for (const key of [
      ...['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`],
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    ]) {
      for (const field of ['maskKey', 'encryptionKey']) {
        const advert = mallory.puppet.sign('advert', { ...body, [field]: key });
        expect(await mallory.say('advert', advert)).toBe('SECAGG_REFUSED BAD_ADVERT');
      }
    }
    mallory.leave();
    await siege.expectExact([HONEST], HONEST);
  });

  it('9. that are malleated, of another type or in another name are refused', async () => {
    const body = await mallory.advertBody();
    const honest = mallory.puppet.sign('advert', body);
    expect(await mallory.say('advert', malleated(honest))).toBe('SIGNATURE_INVALID');
    const agree = mallory.puppet.sign('agree', body);
    expect(await mallory.say('advert', agree)).toBe('TYPE_MISMATCH');
    expect(await mallory.say('advert', { ...agree, payloadType: honest.payloadType })).toBe('SIGNATURE_INVALID');
    const posing = mallory.puppet.sign('advert', { ...body, from: 'a' });
    expect(await mallory.say('advert', posing)).toBe('SENDER_MISMATCH');
    mallory.leave();
    await siege.expectExact([HONEST], HONEST);
  });
});

describe('7. a Sybil', () => {
  it('with one key in both places cannot take part', async () => {
    await begin();
    const body = await mallory.advertBody();
    const advert = mallory.puppet.sign('advert', { ...body, encryptionKey: body.maskKey });
    expect(await mallory.say('advert', advert)).toBe('SECAGG_REFUSED BAD_ADVERT');
    mallory.leave();
    await siege.expectExact([HONEST], HONEST);
  });

  it('that shares a key with another hospital cannot take part, and does not end the run of the others', async () => {
    siege = await SecureSiege.lay([...EVERYBODY, 'nobody']);
    mallory = await siege.play('mallory');
    const nobody = await siege.play('nobody');
    for (const name of HONEST) await siege.start(name);
    expect(await mallory.advertise()).toBe('OK');
    const body = await nobody.advertBody();
    const { maskKey: counted } = mallory.puppet.advertised.advert;
    for (const changes of [{ maskKey: counted }, { encryptionKey: counted }]) {
      const answer = await nobody.say('advert', nobody.puppet.sign('advert', { ...body, ...changes }));
      expect(answer).toBe('SECAGG_REFUSED BAD_ADVERT');
    }
    nobody.leave();
    await mallory.share();
    await mallory.mask();
    await mallory.agree();
    await mallory.unmask();
    await siege.expectExact([EVERYBODY], HONEST);
  });
});

it('10. words of round 1, said again in round 2, are refused and change nothing', async () => {
  await begin(2);
  expect(await mallory.advertise()).toBe('OK');
  expect(await mallory.share()).toBe('OK');
  const { statement, vector } = await mallory.maskedVector();
  const masked = mallory.puppet.announce(statement, vector);
  expect(await mallory.upload(masked, bytesOf(vector))).toBe('OK');
  expect(await mallory.agree()).toBe('OK');
  expect(await mallory.unmask()).toBe('OK');
  const old = new Map(mallory.envelopes);
  const oldParcels = mallory.parcels;
  const again = (name: string, beside: object = {}): Promise<string> =>
    mallory.say(name, old.get(name) as Envelope, beside);

  await mallory.advertBody(2);
  expect(await again('advert')).toBe('PLAN_MISMATCH');
  expect(await mallory.advertise(2)).toBe('OK');
  await mallory.told('roster', ({ planDigest }) => planDigest === mallory.plan.digest);
  expect(await again('shares', { parcels: oldParcels })).toBe('PLAN_MISMATCH');
  expect(await mallory.share()).toBe('OK');
  const second = await mallory.maskedVector();
  expect(await mallory.say('update.offer', old.get('masked') as Envelope)).toBe('PLAN_MISMATCH');
  // The same words under the present header: masks of another session.
  const posing = { ...masked, ...headerOf(second.statement) };
  expect(await mallory.upload(posing, bytesOf(vector))).not.toBe('OK');
  const before = siege.state;
  expect('said' in before && before.said.masking.has('mallory' as never)).toBe(false);
  mallory.leave();
  await siege.expectExact([EVERYBODY, HONEST], HONEST);
  // Two sums that differ by it alone show about its update: people are told.
  expect(siege.consortium.progress).toContainEqual(
    expect.objectContaining({ event: 'cohort-delta', round: 2, hospital: 'mallory' }),
  );
});

function headerOf(statement: object): object {
  const { round, planDigest } = statement as { round: number; planDigest: string };
  return { round, planDigest };
}

describe('15. a dispute among six', () => {
  const FIVE = [...HONEST, 'd', 'e'];
  beforeEach(() => begin(1, undefined, FIVE));

  it('over bad shares costs the round the dealer and the one that accuses it', async () => {
    await mallory.advertise();
    await mallory.share((parcels) =>
      parcels.map((parcel) => (parcel.x === 1 ? { ...parcel, sealed: 'A'.repeat(152) } : parcel)),
    );
    await siege.expectExact([['b', 'c', 'd', 'e']], FIVE);
    expect(siege.consortium.progress).toContainEqual(
      expect.objectContaining({ event: 'disputed', hospital: 'a', accused: 'mallory' }),
    );
  });

  it('that is a lie costs it the liar and one honest hospital, and not the run', async () => {
    await mallory.advertise();
    await mallory.share();
    const { statement } = await mallory.maskedVector();
    const accuse = (accused: string): Promise<string> =>
      mallory.say('complaint', mallory.puppet.sign('complaint', { ...complaintOf(statement), accused }));
    for (const nobody of ['mallory', 'z']) expect(await accuse(nobody)).toBe('SECAGG_REFUSED');
    expect(await accuse('b')).toBe('OK');
    expect(await accuse('c')).not.toBe('OK');
    await siege.expectExact([['a', 'c', 'd', 'e']], FIVE);
  });
});

function complaintOf(statement: object): object {
  const { v, runId, round, attempt, from, planDigest, sessionId } = statement as Record<string, unknown>;
  return { v, runId, round, attempt, from, planDigest, sessionId };
}

describe('15. a dealer', () => {
  beforeEach(() => begin());

  it('whose parcels are not those that it signed is refused at once', async () => {
    await mallory.advertise();
    const refused = mallory.share((parcels) => parcels.toReversed());
    expect(await refused).toBe('SECAGG_REFUSED BAD_SHARE');
    mallory.leave();
    await siege.expectExact([HONEST], HONEST);
  });

  it.each([
    ['a parcel that does not open', { sealed: 'A'.repeat(152) }],
    ['a share without its digest', { selfSeedDigest: 'ab'.repeat(32) }],
  ])('of %s is accused by its recipient, and a run of four ends: two cannot go on', async (_, wrong) => {
    await mallory.advertise();
    await mallory.share(
      (parcels) => parcels.map((parcel) => (parcel.x === 1 ? { ...parcel, ...wrong } : parcel)) as typeof parcels,
    );
    await siege.expectAborted('SHARES_DISPUTED', 'mallory');
  });

  it('of shares that rebuild another secret than it committed to is found when they do, and named', async () => {
    await mallory.advertise();
    mallory.puppet.advertised.keys.selfSeed.fill(7);
    await mallory.share();
    await mallory.mask();
    await siege.expectAborted('SUM_REFUSED', 'mallory');
  });
});

it('16. a bad share at the unmasking is refused and named; the others open the sum, which is exact', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  await begin(1, (name) => siege.start(name, { memory: afterRecord(siege.memoryOf(name), 'unmasked', () => gate) }));
  await mallory.advertise();
  await mallory.share();
  await mallory.mask();
  await mallory.agree();
  const body = await mallory.unmaskBody();
  const [first, ...others] = body.selfSeeds;
  const bad = { ...body, selfSeeds: [{ x: first?.x ?? 0, share: 'ab'.repeat(32) }, ...others] };
  expect(await mallory.unmask(bad)).toBe('SECAGG_REFUSED BAD_SHARE');
  expect(siege.refusalsOf('mallory')).toEqual(['SECAGG_REFUSED']);
  // Both kinds for one peer are no answer either.
  const both = { ...body, maskKeys: [{ x: 1, share: first?.share ?? '' }] };
  expect(await mallory.unmask(both)).toBe('SECAGG_REFUSED BAD_SHARE');
  open();
  await siege.expectExact([EVERYBODY], HONEST);
});

describe('17. a flipped bit of a vector', () => {
  beforeEach(async () => {
    await begin();
    await mallory.advertise();
    await mallory.share();
  });

  it('on its way, or against the root that was signed, is refused; the right one is taken then', async () => {
    const { statement, vector } = await mallory.maskedVector();
    const body = mallory.puppet.announce(statement, vector);
    const flipped = vector.slice();
    flipped[COORDINATE] = (flipped[COORDINATE] ?? 0) ^ 1;
    expect(await mallory.upload(body, bytesOf(flipped))).toBe('DIGEST_MISMATCH');
    const other = { ...mallory.puppet.announce(statement, flipped), yRoot: (body as { yRoot: string }).yRoot };
    expect(await mallory.upload(other, bytesOf(flipped))).toBe('SECAGG_REFUSED BAD_UPLOAD');
    expect(await mallory.upload(body, bytesOf(vector))).toBe('OK');
    await mallory.agree();
    await siege.expectExact([EVERYBODY], HONEST);
  });

  it('that its own hospital signed fails the checksums: no head', async () => {
    await mallory.mask((vector) => (vector[COORDINATE] = (vector[COORDINATE] ?? 0) ^ 1));
    await siege.expectAborted('SUM_REFUSED');
  });
});

describe('19. what no honest hospital sends, with right checksums', () => {
  beforeEach(async () => {
    await begin();
    await mallory.advertise();
    await mallory.share();
  });

  it.each([
    ['a coordinate beyond the ring of one hospital', COORDINATE, 2 ** 31],
    ['a count of two', COUNT, 1],
    ['a weight above the cap', WEIGHT, 1_000],
    ['a weight below one', WEIGHT, -1_000],
  ])('%s: the run ends without a head', async (_, word, amount) => {
    await mallory.mask((vector) => {
      addUnseen(vector, mallory.sessionId, word, amount);
    });
    await siege.expectAborted('SUM_REFUSED');
    await until(() => HONEST.every((name) => siege.outcomes.has(name)));
    for (const name of HONEST) expect(siege.outcomes.get(name)).toMatchObject({ ended: 'aborted', model: undefined });
  });
});
