/**
 * Claims, of real hospitals against a coordinator that leads a secure round and lies about who dealt, who survived and who
 * agreed; numbers are those of the threat model. No hospital ever gives a share after such a lie, none says a word twice in an
 * attempt, and none gives both shares of one peer.
 * Oracle: what the lying coordinator heard; the first test shows that the same round succeeds without a lie.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope, Opened, Statement } from '@consilium/protocol';
import { LyingCoordinator } from '../support/lying-coordinator.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
let lying: LyingCoordinator;
beforeEach(async () => {
  lying = await LyingCoordinator.summon(ALL);
  lying.plan();
});
afterEach(() => lying.dismiss());

const heard = (name: string): string[] => lying.said.flatMap((word) => (word.name === name ? [word.from] : [])).sort();
const unmaskOf = (hospital: string): Statement<'unmask'> =>
  lying.wordsOf('unmask').find(({ from }) => from === hospital)?.opened.body as unknown as Statement<'unmask'>;
const agreeOf = (hospital: string): Opened<'agree'> =>
  lying.wordsOf('agree').find(({ from }) => from === hospital)?.opened as unknown as Opened<'agree'>;

describe('3. both shares of one hospital', () => {
  it('are not given in a round without a lie, which opens', async () => {
    const opened = await lying.open();
    expect(opened.keep.decoded.hospitals).toBe(4);
    lying.tell('secagg-aggregate', lying.aggregate(opened));
    await until(() => ALL.every((name) => lying.verified.has(name)));
    for (const name of ALL) {
      expect(unmaskOf(name).selfSeeds.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
      expect(unmaskOf(name).maskKeys).toEqual([]);
    }
  });

  it('cannot be asked for by a survivor set that names one twice, or one that did not deal', async () => {
    const survivors = await lying.due('survivors');
    const [first, ...others] = survivors.survivors;
    if (first === undefined) throw new Error('nobody survived');
    lying.tell('survivors', { ...survivors, survivors: [first, first, ...others] }, ['a', 'b']);
    lying.tell('survivors', { ...survivors, survivors: [first, ...others, { ...first, x: 9 }] }, ['c', 'd']);
    for (const name of ALL) expect(await lying.refusalOf(name)).toBe('SPLIT_VIEW');
    expect(heard('agree')).toEqual([]);
  });

  it('are not given to a second survivor set after the first was opened: each hospital answers once', async () => {
    const survivors = await lying.due('survivors');
    const without = { ...survivors, survivors: survivors.survivors.filter(({ x }) => x !== 4) };
    await lying.open();
    lying.tell('survivors', without);
    const request = await lying.due('unmask-request');
    lying.tell('unmask-request', { ...request, agrees: request.agrees.slice(0, 3) });
    await lying.finish();
    expect(heard('agree')).toEqual(ALL);
    expect(heard('unmask')).toEqual(ALL);
    for (const name of ALL) expect(unmaskOf(name).maskKeys).toEqual([]);
  });
});

it('12. two survivor sets make no quorum for either: no share leaves', async () => {
  const survivors = await lying.due('survivors');
  const [a, b, c, d] = survivors.survivors;
  if (!a || !b || !c || !d) throw new Error('somebody did not survive');
  lying.tell('survivors', survivors, ['a', 'b']);
  lying.tell('survivors', { ...survivors, survivors: [b, c, d] }, ['c', 'd']);
  await until(() => heard('agree').length === 4);
  const agrees = ALL.map((name, i) => ({ x: i + 1, envelope: agreeOf(name).envelope }));
  const request = { ...sessionOf(survivors), agrees };
  // To each its own two alone, then all of them.
  lying.tell('unmask-request', { ...request, agrees: agrees.slice(0, 2) }, ['a']);
  lying.tell('unmask-request', request, ['b']);
  lying.tell('unmask-request', { ...request, agrees: agrees.slice(2) }, ['c']);
  lying.tell('unmask-request', { ...request, agrees: agrees.slice(1) }, ['d']);
  expect(await Promise.all(ALL.map((name) => lying.refusalOf(name)))).toEqual([
    ...['TOO_FEW', 'SPLIT_VIEW', 'TOO_FEW', 'SPLIT_VIEW'],
  ]);
  expect(heard('unmask')).toEqual([]);
});

function sessionOf({ survivors, ...header }: Statement<'survivors'>) {
  expect(survivors.length).toBeGreaterThan(0);
  return header;
}

describe('13. a quorum', () => {
  it('of a duplicate signer, an outsider, a forged name or another digest opens nothing', async () => {
    // d deals and is left out of the sum: from then on it is an outsider, and its key is the coordinator's.
    const all = await lying.due('survivors');
    const survivors = { ...all, survivors: all.survivors.filter(({ x }) => x !== 4) };
    lying.tell('survivors', survivors, ['a', 'b', 'c']);
    lying.present = ['a', 'b', 'c'];
    await until(() => heard('agree').length === 3);
    const [a, b, c] = ['a', 'b', 'c'].map(agreeOf);
    if (!a || !b || !c) throw new Error('somebody did not agree');
    const forward = (x: number, envelope: object) => ({ x, envelope: envelope as Envelope });
    const lies = {
      a: [forward(1, a.envelope), forward(2, b.envelope), forward(2, b.envelope)],
      b: [
        forward(1, a.envelope),
        forward(2, b.envelope),
        forward(4, lying.forge('agree', { ...a.body, from: 'd' }, 'd')),
      ],
      c: [forward(1, a.envelope), forward(2, lying.forge('agree', b.body, 'd')), forward(3, c.envelope)],
    };
    for (const [name, agrees] of Object.entries(lies))
      lying.tell('unmask-request', { ...sessionOf(survivors), agrees }, [name]);
    expect(await lying.refusalOf('a')).toBe('SPLIT_VIEW');
    expect(await lying.refusalOf('b')).toBe('SPLIT_VIEW');
    expect(await lying.refusalOf('c')).toBe('FORGED');
    expect(heard('unmask')).toEqual([]);
  });

  it('in which a colluding survivor signed another digest is none', async () => {
    const request = await lying.due('unmask-request');
    const [a, b, c] = request.agrees;
    const other = lying.forge('agree', { ...agreeOf('d').body, survivorsDigest: 'ab'.repeat(32) }, 'd');
    if (!a || !b || !c) throw new Error('somebody did not agree');
    lying.tell('unmask-request', { ...request, agrees: [a, b, { x: 4, envelope: other as Envelope }] }, ['a']);
    expect(await lying.refusalOf('a')).toBe('SPLIT_VIEW');
    lying.tell('unmask-request', { ...request, agrees: [a, b] }, ['b']);
    expect(await lying.refusalOf('b')).toBe('TOO_FEW');
    expect(heard('unmask')).toEqual([]);
  });
});

it('14. a group below the threshold is refused at each stage: keys, shares, vectors', async () => {
  const roster = await lying.due('roster');
  lying.tell('roster', { ...roster, adverts: roster.adverts.slice(0, 2) }, ['a']);
  lying.tell('roster', roster, ['b', 'c', 'd']);
  expect(await lying.refusalOf('a')).toBe('TOO_FEW');
  lying.present = ['b', 'c', 'd'];
  const deliver = await lying.due('deliver');
  lying.tell('deliver', { ...deliver, dealers: [2, 3] }, ['b']);
  lying.tell('deliver', deliver, ['c', 'd']);
  expect(await lying.refusalOf('b')).toBe('TOO_FEW');
  await until(() => heard('masked').length === 2);
  const survivors = lying.wordsOf('masked').map(({ from, opened }) => ({
    x: lying.xOf(from),
    yRoot: (opened.body as unknown as Statement<'masked'>).yRoot as never,
  }));
  survivors.sort((one, other) => one.x - other.x);
  const { dealers, ...session } = deliver;
  expect(dealers).toHaveLength(3);
  lying.tell('survivors', { ...session, survivors }, ['c', 'd']);
  for (const name of ['c', 'd']) expect(await lying.refusalOf(name)).toBe('TOO_FEW');
  expect([heard('agree'), heard('unmask')]).toEqual([[], []]);
});

it('15. a share that the coordinator damaged on its way is its forgery: nobody complains of the dealer, no vector', async () => {
  const deliver = await lying.due('deliver');
  const honest = lying.deliveries;
  lying.deliveries = (hospital) =>
    (honest?.(hospital) ?? []).map((delivery) => {
      if (delivery.x !== 3 || hospital === 'c') return delivery;
      const { parcel } = delivery;
      if (hospital === 'a')
        return {
          ...delivery,
          parcel: { ...parcel, sealed: parcel.sealed.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) },
        };
      if (hospital === 'b') return { ...delivery, parcel: { ...parcel, maskKeyDigest: 'ab'.repeat(32) as never } };
      return { ...delivery, proof: [] };
    });
  lying.tell('deliver', deliver, ['a', 'b', 'd']);
  for (const name of ['a', 'b', 'd']) {
    expect(await lying.refusalOf(name)).toBe('FORGED');
    expect(lying.detailOf(name)).toContain('in the name of c');
  }
  expect([heard('complaint'), heard('masked')]).toEqual([[], []]);
});
