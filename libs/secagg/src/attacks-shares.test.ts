/**
 * Claims: what must happen when shares, survivor sets or agreements are bad. Numbers are those of privacy.md G; this library's own are in attacks-keys, attacks-shares and attacks-sums; 1 is
 * in libs/crypto keystream.test.ts, 2 in masks.test.ts, 5 and 14 in round.test.ts, 18 to 21 in params.test.ts and
 * encoding.test.ts, 24 in verification.test.ts; 9 is libs/crypto's and libs/protocol's; 25 to 30 are of other libraries.
 * Oracle: the table's third column. Every attack is made on a round that succeeds without it.
 */
import { fromHex, toBase64, toHex } from '@consilium/bytes';
import { secretBytes } from '@consilium/crypto';
import { describe, expect, it } from 'vitest';
import * as coordinator from './coordinator.js';
import * as hospital from './hospital.js';
import { rootOf } from './merkle.js';
import type * as message from './messages.js';
import { type Actor, at, dealtRound, five, openSigned, type Rehearsal, signStatement } from './rehearsal.js';
import { dealShares, parcelTree } from './shares.js';

const refusal = (code: string, accused: string | null = null): Error =>
  expect.objectContaining({ name: 'SecAggError', code, accused }) as Error;

describe('3. both shares of one hospital', () => {
  it('are never given: a set cannot name it twice, and there is one answer in a session', () => {
    const [all, round] = five();
    round.toSum({ masked: [5] });
    const survivors = round.survivors();
    const [one] = survivors.survivors as [message.Survivor];
    for (const list of [
      [one, ...survivors.survivors],
      [...survivors.survivors, { x: 9, yRoot: one.yRoot }],
    ]) {
      const twice = { ...survivors, survivors: list };
      expect(() => round.agree(at(all, 1), twice)).toThrow(refusal('SPLIT_VIEW'));
    }
    const agrees = all.slice(0, 4).map((actor) => round.agree(actor, survivors));
    const request = coordinator.closeAgreement(round.surviving, agrees);
    const held = at(all, 1).agreed;
    expect(round.unmask(at(all, 1), request).selfSeeds.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
    expect(() => hospital.unmask(at(all, 1).record, held, request, openSigned)).toThrow(refusal('ALREADY_SAID'));
  });

  it('are never given through a second survivor set', () => {
    const [all, round] = five();
    round.toSum();
    const survivors = round.survivors();
    round.agree(at(all, 1), survivors);
    const without5 = { ...survivors, survivors: survivors.survivors.slice(0, 4) };
    expect(() => round.agree(at(all, 1), without5)).toThrow(refusal('ALREADY_SAID'));
  });

  it('are never given by dealing one set of keys to two cohorts', () => {
    const [all, round] = five();
    const adverts = round.adverts();
    const kept = at(all, 1).advertised;
    round.share(at(all, 1), round.roster(adverts));
    const smaller = round.roster(adverts.slice(0, 4));
    expect(() => hospital.shareSecrets(at(all, 1).record, kept, smaller, openSigned)).toThrow(refusal('ALREADY_SAID'));
  });

  it('would not follow from saying that the hospital itself is gone', () => {
    const [all, round] = five();
    round.toSum();
    const survivors = round.survivors();
    const without1 = { ...survivors, survivors: survivors.survivors.slice(1) };
    expect(() => round.agree(at(all, 1), without1)).toThrow(refusal('SPLIT_VIEW'));
  });
});

it('4. a hospital that drops before its shares is no obstacle', () => {
  const [, round] = five();
  const { decoded } = round.lead({ shares: [2] }).keep;
  expect([decoded.hospitals, decoded.weight]).toEqual([4, 101 + 103 + 104 + 105]);
});

it('12. survivors that are split open nothing: neither half is a quorum, and halves do not mix', () => {
  const [all, round] = five();
  round.toSum();
  const whole = round.survivors();
  const part = { ...whole, survivors: whole.survivors.slice(0, 4) };
  const ofWhole = [1, 2, 5].map((x) => round.agree(at(all, x), whole));
  const ofPart = [3, 4].map((x) => round.agree(at(all, x), part));
  expect(() => coordinator.closeAgreement(round.surviving, ofWhole)).toThrow(refusal('TOO_FEW'));
  expect(() => coordinator.closeAgreement(round.surviving, [...ofWhole, ...ofPart])).toThrow(
    refusal('SPLIT_VIEW', 'h3'),
  );
  const forward = (x: number, { envelope }: message.Opened<message.Agree>): message.Forward => ({ x, envelope });
  const [one, two, fifth] = ofWhole as [
    message.Opened<message.Agree>,
    message.Opened<message.Agree>,
    message.Opened<message.Agree>,
  ];
  const [three, four] = ofPart as [message.Opened<message.Agree>, message.Opened<message.Agree>];
  const mixed = [forward(1, one), forward(2, two), forward(3, three), forward(4, four), forward(5, fifth)];
  const header = { ...one.body, from: 'coordinator' };
  for (const actor of all) {
    const record = actor.record;
    for (const agrees of [mixed, mixed.filter(({ x }) => [1, 2, 5].includes(x))]) {
      const request = { ...header, agrees } as message.UnmaskRequest;
      expect(() => round.unmask(actor, request)).toThrow(expect.objectContaining({ name: 'SecAggError' }) as Error);
    }
    expect(actor.record).toBe(record);
  }
});

describe('13. a forged quorum', () => {
  const requested = (): [Actor[], Rehearsal, message.UnmaskRequest] => {
    const [all, round] = five();
    return [all, round, round.toRequest({ masked: [5] }).request];
  };
  it.each<
    [string, string, (agrees: readonly message.Forward[], round: Rehearsal, all: Actor[]) => readonly message.Forward[]]
  >([
    ['one signer twice', 'SPLIT_VIEW', ([a, b, c]) => [a, b, c, c] as message.Forward[]],
    ['one signer under another x', 'FORGED', ([a, b, c]) => [a, b, c, { ...c, x: 4 }] as message.Forward[]],
    ['too few', 'TOO_FEW', (agrees) => agrees.slice(1)],
    [
      'one whose vector is not in the sum',
      'SPLIT_VIEW',
      (agrees, _, all) => [
        ...agrees,
        {
          x: 5,
          envelope: signStatement('agree', { ...at(all, 1).agreed, from: 'h5' }.survivors, at(all, 5).identity)
            .envelope,
        },
      ],
    ],
    [
      'another digest',
      'SPLIT_VIEW',
      (agrees, round, all) =>
        agrees.map(({ x, envelope }) => {
          const { body } = openSigned('agree', envelope, toHex(at(all, x).identity.publicKey));
          const other = { ...body, survivorsDigest: '00'.repeat(32) };
          return x === 2
            ? { x, envelope: signStatement('agree', other, at(all, 2).identity).envelope }
            : { x, envelope };
        }),
    ],
    [
      'a statement of another kind',
      'FORGED',
      (agrees, _, all) =>
        agrees.with(1, {
          x: 2,
          envelope: signStatement('advert', at(all, 2).advertised.advert, at(all, 2).identity).envelope,
        }),
    ],
  ])('of %s is refused and nothing leaves', (_, code, forge) => {
    const [all, round, request] = requested();
    const forged = { ...request, agrees: forge(request.agrees, round, all) };
    expect(() => round.unmask(at(all, 1), forged)).toThrow(
      expect.objectContaining({ name: 'SecAggError', code }) as Error,
    );
    expect(at(all, 1).record.open?.said).toBe('agreed');
    expect(round.unmask(at(all, 1), request).selfSeeds).toHaveLength(4);
  });
});

describe('14. sets below the floor, from a coordinator that does not mind', () => {
  const tooFew = refusal('TOO_FEW');
  it('are joined by no hospital: not U1, not U2, not U3', () => {
    const [all, round] = five(); // t = 4
    const roster = round.roster(round.adverts());
    const ofThree = { ...roster, adverts: roster.adverts.slice(0, 3) };
    expect(() => round.share(at(all, 1), ofThree)).toThrow(tooFew);

    const delivered = round.deliver(all.map((actor) => round.share(actor, roster)));
    const deliver = delivered.get('h1') as message.Deliver;
    const fewDealers = new Map([['h1', { ...deliver, deliveries: deliver.deliveries.slice(0, 3) }]]);
    expect(() => round.mask(at(all, 1), fewDealers)).toThrow(tooFew);

    for (const actor of all) {
      const sent = round.mask(actor, delivered);
      round.sum.add(sent.statement, sent.vector);
    }
    const survivors = round.survivors();
    const fewAlive = { ...survivors, survivors: survivors.survivors.slice(0, 3) };
    expect(() => round.agree(at(all, 1), fewAlive)).toThrow(tooFew);
    expect(at(all, 1).record.open?.said).toBe('masked');
  });
});

describe('15. bad shares to one hospital', () => {
  /** Hospital 2 deals, with one parcel changed after the shares were made and before it signs. */
  function badly(change: (parcels: message.Parcel[]) => message.Parcel[]) {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const shares = all.map((actor) => round.share(actor, roster));
    const [opened, parcels] = shares[1] as (typeof shares)[1];
    const changed = change([...parcels]);
    const body = { ...opened.body, shareRoot: toHex(rootOf(parcelTree(changed))) };
    shares[1] = [signStatement('shares', body, at(all, 2).identity), changed];
    return { all, round, shares };
  }
  const garbage = toBase64(secretBytes(138));
  it.each<[string, (parcels: message.Parcel[]) => message.Parcel[]]>([
    ['garbage', (p) => p.with(2, { ...(p[2] as message.Parcel), sealed: garbage })],
    ['a digest of another share', (p) => p.with(2, { ...(p[2] as message.Parcel), selfSeedDigest: '00'.repeat(32) })],
    [
      'a mask-key digest of another share',
      (p) => p.with(2, { ...(p[2] as message.Parcel), maskKeyDigest: '00'.repeat(32) }),
    ],
    ['another hospital’s parcel', (p) => p.with(2, { ...(p[3] as message.Parcel), x: 3 })],
    ['no base64', (p) => p.with(2, { ...(p[2] as message.Parcel), sealed: '!' })],
  ])('%s: the recipient complains about the dealer, and its record stays where it was', (_, change) => {
    const { all, round, shares } = badly(change);
    const delivered = round.deliver(shares);
    let error: unknown;
    try {
      round.mask(at(all, 3), delivered);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toEqual(refusal('BAD_SHARE', 'h2'));
    expect(hospital.complain(at(all, 3).dealt, error as never).accused).toBe('h2');
    expect(at(all, 3).record.open?.said).toBe('dealt');
    expect(round.mask(at(all, 4), delivered).vector).toHaveLength(26);
  });

  it('right digests of shares that lie on no polynomial: the dealer is named when its secret is rebuilt', () => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const shares = all.map((actor) => round.share(actor, roster));
    const { cohort, self, keys } = at(all, 2).dealt;
    const other = dealShares(cohort, self, { ...keys, selfSeed: secretBytes(32) });
    const mixed = (shares[1]?.[1] ?? []).map((parcel, i) => (i === 0 ? (other.parcels[0] as message.Parcel) : parcel));
    const body = { ...(shares[1] as (typeof shares)[1])[0].body, shareRoot: toHex(rootOf(parcelTree(mixed))) };
    at(all, 2).dealt = { ...at(all, 2).dealt, shareRoot: body.shareRoot };
    shares[1] = [signStatement('shares', body, at(all, 2).identity), mixed];
    const delivered = round.deliver(shares);
    for (const actor of all) {
      const sent = round.mask(actor, delivered);
      round.sum.add(sent.statement, sent.vector);
    }
    const survivors = round.survivors();
    const request = coordinator.closeAgreement(
      round.surviving,
      all.map((actor) => round.agree(actor, survivors)),
    );
    const unmasks = all.map((actor) => round.unmask(actor, request));
    expect(() => round.open(unmasks)).toThrow(refusal('BAD_SHARE', 'h2'));
  });

  it('parcels that are not under the signed root: the coordinator names the dealer, and hospitals the coordinator', () => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const shares = all.map((actor) => round.share(actor, roster));
    const [opened, parcels] = shares[1] as (typeof shares)[1];
    const altered = parcels.with(0, { ...(parcels[0] as message.Parcel), sealed: garbage });
    for (const wrong of [altered, parcels.slice(1), [...parcels, parcels[0] as message.Parcel]]) {
      expect(() => coordinator.acceptShares(round.cohort, opened, wrong)).toThrow(refusal('BAD_SHARE', 'h2'));
    }
    const delivered = round.deliver(shares);
    const deliver = delivered.get('h3') as message.Deliver;
    const swapped = deliver.deliveries.map((delivery) =>
      delivery.x === 2 ? { ...delivery, parcel: { ...delivery.parcel, sealed: garbage } } : delivery,
    );
    const hostile = new Map([['h3', { ...deliver, deliveries: swapped }]]);
    expect(() => round.mask(at(all, 3), hostile)).toThrow(refusal('FORGED'));
  });

  it('a valid parcel of another dealing, which its signature does not cover, is refused', () => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const shares = all.map((actor) => round.share(actor, roster));
    const { cohort, self, keys } = at(all, 2).dealt;
    const other = dealShares(cohort, self, keys).parcels[2] as message.Parcel;
    const deliver = round.deliver(shares).get('h3') as message.Deliver;
    const deliveries = deliver.deliveries.map((delivery) =>
      delivery.x === 2 ? { ...delivery, parcel: other } : delivery,
    );
    const hostile = new Map([['h3', { ...deliver, deliveries }]]);
    expect(() => round.mask(at(all, 3), hostile)).toThrow(refusal('FORGED'));
  });

  it('a cohort of dealers that leaves oneself out, or repeats one, is not joined', () => {
    const { all, round, delivered } = dealtRound();
    const deliver = delivered.get('h3') as message.Deliver;
    const [one] = deliver.deliveries as [message.Delivery];
    for (const deliveries of [deliver.deliveries.filter(({ x }) => x !== 3), [one, ...deliver.deliveries]]) {
      const hostile = new Map([['h3', { ...deliver, deliveries }]]);
      expect(() => round.mask(at(all, 3), hostile)).toThrow(refusal('SPLIT_VIEW'));
    }
  });

  it('one’s own dealing, replaced under a stolen key, is seen', () => {
    const { all, round, delivered } = dealtRound();
    at(all, 3).dealt = { ...at(all, 3).dealt, shareRoot: '00'.repeat(32) };
    expect(() => round.mask(at(all, 3), delivered)).toThrow(refusal('SPLIT_VIEW'));
  });
});

it('16. a bad share at unmasking names its sender, and the others open the exact sum', () => {
  const [all, round] = five();
  const { request } = round.toRequest();
  const unmasks = all.map((actor) => round.unmask(actor, request));
  const [liar, ...honest] = unmasks as [message.Unmask, ...message.Unmask[]];
  const flipped = liar.selfSeeds.map(({ x, share }) => ({
    x,
    share: x === 4 ? toHex(fromHex(share).map((byte, i) => (i === 0 ? byte ^ 1 : byte))) : share,
  }));
  for (const selfSeeds of [flipped, liar.selfSeeds.slice(1), liar.selfSeeds.toReversed(), []]) {
    expect(() => coordinator.acceptUnmask(round.surviving, { ...liar, selfSeeds })).toThrow(refusal('BAD_SHARE', 'h1'));
  }
  const extra = { ...liar, maskKeys: liar.selfSeeds.slice(0, 1) };
  expect(() => coordinator.acceptUnmask(round.surviving, extra)).toThrow(refusal('BAD_SHARE', 'h1'));
  const repeated = honest[0] as message.Unmask;
  expect(() => round.open([repeated, repeated, ...honest.slice(1, 3)])).toThrow(refusal('TOO_FEW'));
  expect(round.open(honest).keep.decoded.weight).toBe(101 + 102 + 103 + 104 + 105);
});

it('complaints are for bad shares alone', () => {
  const { all } = dealtRound();
  expect(() => hospital.complain(at(all, 1).dealt, { code: 'FORGED', accused: 'h2' } as never)).toThrow(RangeError);
});
