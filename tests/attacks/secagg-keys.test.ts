/**
 * Claims, of real hospitals against a coordinator that leads a secure round and lies about keys and plans; numbers are those
 * of the threat model. A hospital that is lied to deals no shares, says why by a code, and names whose words were forged.
 * Oracle: what the lying coordinator heard. That the same round succeeds without a lie is shown in secagg-sets.test.ts.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '@consilium/bytes';
import { generateIdentity } from '@consilium/crypto';
import type { Digest, Envelope, HospitalId, Opened, Statement } from '@consilium/protocol';
import { LyingCoordinator } from '../support/lying-coordinator.js';
import { malleated } from '../support/malleated.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
let lying: LyingCoordinator;
afterEach(() => lying.dismiss());

const heard = (name: string): string[] => lying.said.flatMap((word) => (word.name === name ? [word.from] : []));
const advertOf = (hospital: string): Opened<'advert'> =>
  lying.wordsOf('advert').find(({ from }) => from === hospital)?.opened as Opened<'advert'>;

/** The honest roster with another advert in the place of one hospital. */
const withAdvert = (roster: Statement<'roster'>, hospital: string, envelope: object): Statement<'roster'> => ({
  ...roster,
  adverts: roster.adverts.map((entry) =>
    entry.x === lying.xOf(hospital) ? { x: entry.x, envelope: envelope as Envelope } : entry,
  ),
});

async function dueRoster(): Promise<Statement<'roster'>> {
  lying = await LyingCoordinator.summon(ALL);
  lying.plan();
  return lying.due('roster');
}

it('6. a key that the coordinator put in the place of one hospital is refused by every hospital, and named', async () => {
  const roster = await dueRoster();
  const stranger = generateIdentity();
  const forged = lying.forge('advert', { ...advertOf('c').body, maskKey: 'ab'.repeat(32) }, 'c', stranger);
  lying.tell('roster', withAdvert(roster, 'c', forged));
  for (const name of ALL) {
    expect(await lying.refusalOf(name)).toBe('FORGED');
    expect(lying.detailOf(name)).toContain('in the name of c');
  }
  expect(heard('shares')).toEqual([]);
});

describe('7. Sybils', () => {
  it('in a plan are refused before any training, also under another key of an enrolled name', async () => {
    lying = await LyingCoordinator.summon(ALL);
    const { roster } = lying.planBody();
    const stranger = { hospitalId: 'sybil' as HospitalId, identityKey: 'ab'.repeat(32), x: 5 };
    const added = lying.planBody({ roster: [...roster, stranger], threshold: 4 });
    const [first, ...others] = roster;
    if (first === undefined) throw new Error('there is no roster');
    const posing = lying.planBody({
      roster: [first, ...others.with(0, { ...stranger, x: 2, hospitalId: 'b' as HospitalId })],
    });
    lying.tell('secagg-plan', added, ['a', 'b']);
    lying.tell('secagg-plan', posing, ['c', 'd']);
    for (const name of ALL) {
      expect(await lying.refusalOf(name)).toBe('PLAN_UNSAFE');
      expect(lying.detailOf(name)).toContain('roster');
    }
    expect(lying.trained).toEqual([]);
    expect(heard('advert')).toEqual([]);
  });

  it('in a roster are refused: somebody whom the plan does not name, one hospital twice, one key in two places', async () => {
    const roster = await dueRoster();
    const extra = { x: 9, envelope: roster.adverts[0]?.envelope as Envelope };
    lying.tell('roster', { ...roster, adverts: [...roster.adverts, extra] }, ['a']);
    const twice = roster.adverts.filter(({ x }) => x === lying.xOf('c'));
    lying.tell('roster', { ...roster, adverts: [...roster.adverts, ...twice] }, ['b']);
    const copied = lying.forge('advert', { ...advertOf('d').body, maskKey: advertOf('a').body.maskKey }, 'd');
    lying.tell('roster', withAdvert(roster, 'd', copied), ['c']);
    for (const name of ['a', 'b', 'c']) expect(await lying.refusalOf(name)).toBe('BAD_ADVERT');
    expect(lying.detailOf('b')).toContain('c repeats');
    expect(lying.detailOf('c')).toContain('d repeats');
    expect(heard('shares')).toEqual([]);
  });
});

/** Points whose order divides 8: RFC 7748 section 6.1. */
const LOW = ['00'.repeat(32), 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'];

it('8. a low-order key under a valid signature is refused before shares are dealt, and its owner named', async () => {
  const roster = await dueRoster();
  const lies: [string, object][] = [
    ['a', { maskKey: LOW[0] }],
    ['b', { encryptionKey: LOW[1] }],
    ['c', { maskKey: LOW[1] }],
  ];
  for (const [name, keys] of lies) {
    lying.tell('roster', withAdvert(roster, 'd', lying.forge('advert', { ...advertOf('d').body, ...keys }, 'd')), [
      name,
    ]);
    expect(await lying.refusalOf(name)).toBe('BAD_ADVERT');
    expect(lying.detailOf(name)).toContain('d has a key that must not be used');
  }
  expect(heard('shares')).toEqual([]);
});

describe('9. signatures', () => {
  it('that are malleated, of another type, or of another hospital do not pass in a roster', async () => {
    const roster = await dueRoster();
    const { body, envelope } = advertOf('d');
    const lies: [string, object][] = [
      ['a', malleated(envelope)],
      ['b', lying.forge('agree', body, 'd')],
      ['c', { ...(lying.forge('agree', body, 'd') as Envelope), payloadType: envelope.payloadType }],
    ];
    for (const [name, advert] of lies) {
      lying.tell('roster', withAdvert(roster, 'd', advert), [name]);
      expect(await lying.refusalOf(name)).toBe('FORGED');
      expect(lying.detailOf(name)).toContain('in the name of d');
    }
    expect(heard('shares')).toEqual([]);
  });

  it('of the coordinator under another type are as if never said', async () => {
    const roster = await dueRoster();
    const { envelope } = lying.sign('roster', roster);
    const relabelled = { ...envelope, payloadType: envelope.payloadType.replace('roster', 'deliver') };
    lying.fake.push('deliver', { envelope: relabelled });
    lying.fake.push('roster', { envelope: relabelled });
    lying.fake.push('roster', { envelope: malleated(envelope) });
    lying.fake.push('roster', {
      envelope: { ...envelope, payload: toBase64(fromBase64(envelope.payload).slice(0, -1)) },
    });
    await lying.finish();
    expect(heard('shares')).toEqual([]);
  });

  it('an identity key of small order, under which anything verifies, ends the round at its plan', async () => {
    const roster = [{ hospitalId: 'd' as HospitalId, identityKey: `01${'00'.repeat(31)}` }];
    lying = await LyingCoordinator.summon(ALL, { roster, absent: ['d'] });
    lying.tell('secagg-plan', lying.planBody());
    for (const name of ['a', 'b', 'c']) expect(await lying.refusalOf(name)).toBe('PLAN_UNSAFE');
    expect(lying.trained).toEqual([]);
  });
});

it('18. a plan whose sum could leave the ring is refused before any training', async () => {
  lying = await LyingCoordinator.summon(ALL, {
    config: { secagg: { tolerated: 1, weightCap: 100, zMax: 2 ** 29, stageTimeoutMs: 60_000 } },
  });
  lying.tell('secagg-plan', lying.planBody());
  for (const name of ALL) {
    expect(await lying.refusalOf(name)).toBe('PLAN_UNSAFE');
    expect(lying.detailOf(name)).toContain('wrap');
  }
  expect(lying.trained).toEqual([]);
});

describe('23. two models in one round', () => {
  it('are refused by the hospitals whose model it is not, and the others have no common session with them', async () => {
    lying = await LyingCoordinator.summon(ALL);
    lying.tell('secagg-plan', lying.planBody({ model: 'cd'.repeat(32) as Digest }), ['c', 'd']);
    for (const name of ['c', 'd']) expect(await lying.refusalOf(name)).toBe('PLAN_MODEL_UNKNOWN');
    expect(lying.trained).toEqual([]);
  });

  it('even where both are believed: adverts for two plans make no roster, and no shares are dealt', async () => {
    lying = await LyingCoordinator.summon(ALL);
    const [one, other] = [lying.planBody(), { ...lying.planBody(), deadlineMs: Date.now() + 700_000 }];
    lying.tell('secagg-plan', one, ['a', 'b']);
    lying.tell('secagg-plan', other, ['c', 'd']);
    await until(() => heard('advert').length === 4);
    const adverts = ALL.map((name, i) => ({
      x: i + 1,
      envelope: lying.said.find((word) => word.name === 'advert' && word.from === name)?.statement as Envelope,
    }));
    for (const [plan, names] of [
      [one, ['a', 'b']],
      [other, ['c', 'd']],
    ] as const) {
      const { v, runId, round, attempt, from } = plan;
      const planDigest = lying.sign('secagg-plan', plan).digest;
      lying.tell('roster', { v, runId, round, attempt, from, planDigest, adverts }, names);
    }
    await until(() => heard('decline').length === 4);
    expect(heard('shares')).toEqual([]);
  });
});
