/** Claim: the example of the README compiles, runs and says the truth. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import { startCoordinator, stepCoordinator, type CoordinatorEvent, type RunRules } from './index.js';

const north = 'north' as HospitalId;
const south = 'south' as HospitalId;
const rules: RunRules = {
  roster: [north, south],
  rounds: 1,
  minHospitals: 2,
  ...{ gatherTimeoutMs: 1_000, roundTimeoutMs: 1_000, absenceGraceMs: 100 },
  initialModel: 'm0' as Digest,
};

it('runs the example of the README', () => {
  // example
  const events: CoordinatorEvent[] = [
    { type: 'connected', hospitalId: north },
    { type: 'consented', hospitalId: north },
    { type: 'connected', hospitalId: south },
    { type: 'consented', hospitalId: south },
  ];
  let { state, effects } = startCoordinator(rules); // set-timer gather:1
  for (const event of events) ({ state, effects } = stepCoordinator(rules, state, event));
  const next = [state.phase, effects]; // planning, [{ type: 'sign-plan', round: 1, cohort: ['north', 'south'], ... }]
  // end
  expect(next[0]).toBe('planning');
  expect(effects).toMatchObject([{ type: 'sign-plan', round: 1, cohort: ['north', 'south'] }]);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
