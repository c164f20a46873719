/**
 * Claims, of real hospitals against a coordinator that leads a secure round more than once; numbers are those of the threat
 * model. What was said in one attempt opens nothing in another, and a round whose shares were given is never led again, also
 * not with a hospital that was started anew on the same folder.
 * Oracle: what the lying coordinator heard; an attempt that failed before any share left is answered again, in the same test.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope, Statement } from '@consilium/protocol';
import { LyingCoordinator } from '../support/lying-coordinator.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
let lying: LyingCoordinator;
beforeEach(async () => {
  lying = await LyingCoordinator.summon(ALL);
  lying.plan();
});
afterEach(() => lying.dismiss());

const heard = (name: string): string[] => lying.said.flatMap((word) => (word.name === name ? [word.from] : []));
/** The next attempt with d left out, which keeps the threshold of four. */
const fewer = (): Partial<Statement<'secagg-plan'>> => ({
  attempt: 2,
  roster: lying.planBody().roster.filter(({ hospitalId }) => hospitalId !== 'd'),
});

describe('10. replays', () => {
  it('of statements of an earlier attempt change nothing in the next, whatever their header says', async () => {
    const first = {
      roster: await lying.due('roster'),
      deliver: await lying.due('deliver'),
      survivors: await lying.due('survivors'),
      request: await lying.due('unmask-request'),
    };
    lying.plan({ attempt: 2 });
    // As they were: of an attempt that is over.
    lying.tell('roster', first.roster);
    lying.tell('deliver', first.deliver);
    lying.tell('unmask-request', first.request);
    const second = await lying.due('unmask-request');
    expect(lying.wordsOf('advert')).toHaveLength(4);
    expect(second.sessionId).not.toBe(first.request.sessionId);
    expect(heard('unmask')).toEqual([]);
    // As parts of the present one: the agreements of the first session do not open the second.
    lying.tell('unmask-request', { ...second, agrees: first.request.agrees }, ['a', 'b']);
    // And the header of the first one is not that of the second.
    lying.tell('unmask-request', { ...second, sessionId: first.request.sessionId }, ['c', 'd']);
    await until(() => heard('decline').length === 4);
    expect(heard('unmask')).toEqual([]);
  });

  it('of the keys and shares of an earlier attempt make no session', async () => {
    const first = await lying.due('roster');
    await lying.due('deliver');
    const old = new Map(ALL.map((name) => [name, lying.deliveries?.(name) ?? []]));
    lying.plan({ attempt: 2 });
    const roster = await lying.due('roster');
    const own = roster.adverts[0] as { x: number; envelope: Envelope };
    lying.tell('roster', { ...roster, adverts: [own, ...first.adverts.slice(1)] }, ['a']);
    await until(() => heard('decline').includes('a'));
    lying.tell('roster', roster, ['b', 'c', 'd']);
    lying.present = ['b', 'c', 'd'];
    const deliver = await lying.due('deliver');
    lying.deliveries = (hospital) => old.get(hospital) ?? [];
    lying.tell('deliver', { ...deliver, dealers: [1, 2, 3, 4] });
    await until(() => heard('decline').length === 4);
    expect(heard('masked')).toEqual([]);
  });
});

describe('11. a second attempt of a round', () => {
  it('is answered while nothing was opened, and refused by every hospital once it gave its shares', async () => {
    await lying.due('unmask-request');
    lying.plan({ attempt: 2 });
    await lying.open();
    expect(lying.trained).toHaveLength(4);
    lying.plan({ ...fewer(), attempt: 3 });
    for (const name of ['a', 'b', 'c']) expect(await lying.refusalOf(name)).toBe('RETRY_REFUSED');
    expect(lying.wordsOf('advert')).toEqual([]);
  });

  it('is refused by hospitals that were started anew on the same folder', async () => {
    await lying.open();
    for (const name of ALL) lying.nodes.get(name)?.close();
    const plan = lying.sign('secagg-plan', lying.planBody(fewer()));
    lying.standing = [{ name: 'secagg-plan', envelope: plan.envelope }];
    const before = lying.said.length;
    for (const name of ['a', 'b', 'c']) await lying.start(name);
    for (const name of ['a', 'b', 'c']) expect(await lying.refusalOf(name)).toBe('RETRY_REFUSED');
    expect(lying.said.slice(before)).toEqual([]);
  });

  it('with another threshold, or with a hospital that was not in the first, is refused', async () => {
    await lying.due('deliver');
    const { roster } = lying.planBody();
    lying.tell('secagg-plan', lying.planBody({ attempt: 2, threshold: 4 }), ['a', 'b']);
    for (const name of ['a', 'b']) expect(await lying.refusalOf(name)).toBe('RETRY_REFUSED');
    const { body } = lying.sign('secagg-plan', lying.planBody({ attempt: 2, roster: roster.slice(0, 3) }));
    lying.tell('secagg-plan', body, ['c']);
    await until(() =>
      lying.said.some(({ from, name, statement }) => from === 'c' && name === 'advert' && statement !== null),
    );
    lying.tell('secagg-plan', lying.planBody({ attempt: 3 }), ['c']);
    expect(await lying.refusalOf('c')).toBe('RETRY_REFUSED');
  });
});
