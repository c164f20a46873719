/** Claim: the example of the README compiles, runs, and gives the weighted mean of those that stayed. Oracle: its text, and two lines of arithmetic. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Contribution } from './encoding.js';
import { closeAgreement, verifyAggregate } from './index.js';
import { actors as allActors, type Actor, Rehearsal as AnyRehearsal } from './rehearsal.js';

type Hospitals = [Actor, ...Actor[]];
/** The example's five: a tuple, so that its lines need no assertions. */
const actors = (count: number): { slice(start: number): Hospitals } & Actor[] => allActors(count) as never;
class Rehearsal extends AnyRehearsal {
  constructor(all: readonly Actor[], changes: { tolerated: number }, of: (actor: Actor) => Contribution | undefined) {
    super(all, { ...changes, parameters: 2 }, (actor) => of(actor) as Contribution);
  }
}
const contributions: Record<number, Contribution> = Object.fromEntries(
  [1, 2, 3, 4, 5].map((x) => [x, { update: Float32Array.of(x / 10, -1), examples: 100 * x, metrics: [] }]),
);

it('runs the example of the README', () => {
  // example
  const hospitals = actors(5); // each with an identity and an empty record
  const round = new Rehearsal(hospitals, { tolerated: 1 }, ({ x }) => contributions[x]); // t = 4: one may drop out

  const roster = round.roster(round.adverts()); // fresh keys; everybody's, signed
  const delivered = round.deliver(hospitals.map((hospital) => round.share(hospital, roster))); // shares, sealed and signed
  const staying = hospitals.slice(1); // the first one is not heard of again
  for (const hospital of staying) {
    const { statement, vector } = round.mask(hospital, delivered); // what leaves: uniform words
    round.sum.add(statement, vector); // one vector is held at a time
  }
  const survivors = round.survivors(); // the set that is to be opened
  const request = closeAgreement(
    round.surviving,
    staying.map((hospital) => round.agree(hospital, survivors)),
  );
  const { send, keep } = round.open(staying.map((hospital) => round.unmask(hospital, request)));

  const { mean, weight } = verifyAggregate(staying[0].unmasked, send, keep.sum); // each hospital for itself
  // end
  expect(weight).toBe(200 + 300 + 400 + 500);
  expect(mean[0]).toBeCloseTo((0.2 * 200 + 0.3 * 300 + 0.4 * 400 + 0.5 * 500) / 1_400, 4);
  expect(mean[1]).toBeCloseTo(-1, 4);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
