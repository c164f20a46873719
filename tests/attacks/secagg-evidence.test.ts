/**
 * Claims, of real hospitals that did not help to open a sum (they had no part in the attempt, or were away), against a
 * coordinator that shows them another one; numbers are those of the threat model. They believe what hospitals have signed and
 * what they recompute from it, and nothing that a coordinator can make alone. And of a hospital that did help: it believes no
 * sum of another attempt, and no vector that its owner did not sign.
 * Oracle: the honest evidence of the same round, which is believed in the first test.
 *
 * Mutations tried by hand, and what failed: `requireQuorum` without its count: "t of them"; `signedVectors` that takes the root
 * without the signature: "a vector that its hospital did not sign"; `#recomputeIfKept` that asks only whether a next round is
 * shown: "vectors that are gone"; without `requireOneSum`: "another attempt"; without `requireBest`: "the best head".
 */
import { afterEach, expect, it } from 'vitest';
import { initialParameters } from '@consilium/model-spec';
import type { Digest, Opened, Statement } from '@consilium/protocol';
import type { Evidence } from '@consilium/secagg';
import { digestBlob } from '@consilium/crypto';
import { LyingCoordinator, PARAMETERS } from '../support/lying-coordinator.js';
import { addUnseen, bytesOf } from '../support/puppet.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
/** The first coordinate: after the count, the weight and seven figures. */
const COORDINATE = 9;
type Aggregate = Statement<'secagg-aggregate'>;

let lying: LyingCoordinator;
let plan: Opened<'secagg-plan'>;
let opened: Awaited<ReturnType<LyingCoordinator['open']>>;
afterEach(() => lying.dismiss());

/** An honest attempt of a, b and c; d has no part in it. */
async function ledWithoutD(): Promise<Aggregate> {
  lying = await LyingCoordinator.summon(ALL);
  const { roster } = lying.planBody();
  plan = lying.plan({ roster: roster.slice(0, 3), ...floors(3) });
  opened = await lying.open();
  return lying.aggregate(opened);
}
/** Of a plan for so many. */
const floors = (hospitals: number) => {
  const { tolerated } = lying.planBody();
  return { threshold: Math.floor((hospitals + tolerated) / 2) + 1, minCohort: 3 };
};
/** To d alone, as what it missed. */
function tellD(aggregate: Aggregate, of = plan): void {
  const { envelope } = lying.sign('secagg-aggregate', aggregate);
  lying.past.set(aggregate.round, { plan: of.envelope, aggregate: envelope });
  lying.tell('secagg-aggregate', aggregate, ['d']);
}
async function expectDRefuses(aggregate: Aggregate, code: string, of = plan): Promise<void> {
  tellD(aggregate, of);
  expect(await lying.refusalOf('d')).toBe(code);
  expect(lying.verified.size).toBe(0);
}
const showing = (aggregate: Aggregate, changes: Partial<Evidence>): Aggregate => ({
  ...aggregate,
  ...lying.shown({ ...lying.evidence(), ...changes }),
});
const altered = (): Int32Array => {
  const sum = opened.keep.sum.slice();
  addUnseen(sum, opened.send.sessionId, COORDINATE, 1);
  return sum;
};

it('is believed and recomputed by who was not there, when it is true', async () => {
  tellD(await ledWithoutD());
  await until(() => lying.verified.size === 1);
  expect(lying.verified.get('d')).toBe('whole');
});

it('24. an altered sum with true evidence is recomputed by who was not there', async () => {
  await ledWithoutD();
  await expectDRefuses(lying.aggregate(opened, altered()), 'AGGREGATE_FORGED');
});

it('24. a sum that nobody sent a vector for is refused: t of them must have agreed', async () => {
  const honest = await ledWithoutD();
  const { agrees } = lying.evidence();
  await expectDRefuses(showing(honest, { agrees: agrees.slice(0, plan.body.threshold - 1) }), 'TOO_FEW');
});

it('24. an invented attempt, of which there are keys alone, is refused', async () => {
  const honest = await ledWithoutD();
  await expectDRefuses(showing(honest, { vectors: [], agrees: [] }), 'TOO_FEW');
});

it.each([
  ['adverts', 'advert'],
  ['vectors', 'masked'],
  ['agrees', 'agree'],
] as const)('1. of the %s, one in the name of a hospital that did not sign it is refused', async (list, name) => {
  const honest = await ledWithoutD();
  const evidence = lying.evidence();
  const of = lying.wordsOf(name).find(({ from }) => from === 'b');
  const forged = { x: 2, envelope: lying.forge(name, of?.opened.body as object, 'b', lying.fake.identity) as never };
  await expectDRefuses(
    showing(honest, { [list]: evidence[list].map((own) => (own.x === 2 ? forged : own)) }),
    'FORGED',
  );
});

it('24. a vector that its hospital did not sign is seen by those who agreed to the set, whoever they are', async () => {
  lying = await LyingCoordinator.summon(ALL);
  plan = lying.plan();
  opened = await lying.open();
  const evidence = lying.evidence();
  // The vector of d with one coordinate changed; t others have agreed to a set with its root.
  const body = lying.wordsOf('masked').find(({ from }) => from === 'd')?.opened.body as unknown as Statement<'masked'>;
  const other = { ...body, yRoot: 'ab'.repeat(32) };
  const forged = { x: 4, envelope: lying.forge('masked', other, 'd', lying.fake.identity) as never };
  const vectors = evidence.vectors.map((own) => (own.x === 4 ? forged : own));
  lying.tell('secagg-aggregate', showing(lying.aggregate(opened), { vectors }));
  for (const name of ALL) expect(await lying.refusalOf(name)).toBe('FORGED');
});

it('24. vectors that are gone are forgiven only where a next round started from the head', async () => {
  const honest = await ledWithoutD();
  const forged = lying.aggregate(opened, altered());
  for (const { opened: word } of lying.wordsOf('masked')) {
    lying.blobs.delete((word.body as unknown as Statement<'masked'>).blobDigest);
  }
  // A next round of the coordinator's own making: its plan starts from the forged head, and nobody has signed it.
  const next = lying.sign('secagg-plan', { ...plan.body, round: 2, model: forged.model });
  const sum = lying.sign('secagg-aggregate', { ...honest, round: 2, planDigest: next.digest });
  lying.past.set(2, { plan: next.envelope, aggregate: sum.envelope });
  await expectDRefuses(forged, 'WRONG_CONTEXT');
});

it('24. vectors of the newest sum that are not shown are refused', async () => {
  const honest = await ledWithoutD();
  for (const { opened: word } of lying.wordsOf('masked')) {
    lying.blobs.delete((word.body as unknown as Statement<'masked'>).blobDigest);
  }
  await expectDRefuses(honest, 'AGGREGATE_FORGED');
});

it('6. a sum of another attempt than the one that it gave its shares for is refused', async () => {
  lying = await LyingCoordinator.summon(ALL);
  plan = lying.plan();
  opened = await lying.open();
  await until(() => lying.wordsOf('unmask').length === 4);
  const other = lying.sign('secagg-plan', lying.planBody({ attempt: 2 }));
  const told = { ...lying.aggregate(opened), attempt: 2, planDigest: other.digest };
  lying.past.set(1, { plan: other.envelope, aggregate: lying.sign('secagg-aggregate', told).envelope });
  lying.tell('secagg-aggregate', told, ['a']);
  expect(await lying.refusalOf('a')).toBe('RETRY_REFUSED');
});

it('23. the best head, with which a run ends, is one that was computed', async () => {
  lying = await LyingCoordinator.summon(ALL, { file: { selection: { metric: 'auc', patienceRounds: 1 } } });
  plan = lying.plan();
  opened = await lying.open();
  lying.tell('secagg-aggregate', lying.aggregate(opened));
  await until(() => lying.verified.size === 4);
  const chosen = bytesOf(new Float32Array(PARAMETERS).fill(1));
  lying.blobs.set(digestBlob(chosen), chosen);
  const { runId } = plan.body;
  const { head, seed } = lying.fake.config.body;
  expect(digestBlob(bytesOf(initialParameters(head, seed)))).not.toBe(digestBlob(chosen));
  lying.tell('run-end', {
    ...({ v: 1, runId, configDigest: lying.fake.config.digest, from: 'coordinator', rounds: 1 } as const),
    ...({ outcome: 'finished', reason: 'EARLY_STOPPED' } as const),
    ...{ best: { round: 1, model: digestBlob(chosen) as Digest } },
  });
  for (const name of ALL) expect(await lying.refusalOf(name)).toBe('AGGREGATE_FORGED');
});
