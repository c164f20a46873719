/**
 * Claims: (1) the version taken is the highest that both ranges hold, or none; (2) a program that still speaks the version
 * before ours is understood, in either role; (3) no range of a peer gives a version that we do not speak.
 * Oracle: trying every version.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { negotiateVersion, PROTOCOL_VERSION, supportedVersions, type VersionRange } from './version.js';

const holds = ({ min, max }: VersionRange, version: number): boolean => min <= version && version <= max;

it('is the highest common one, or undefined', () => {
  const range = fc.record({ min: fc.integer({ min: 1, max: 9 }), max: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(range, range, (theirs, ours) => {
      const common = [9, 8, 7, 6, 5, 4, 3, 2, 1].filter((version) => holds(theirs, version) && holds(ours, version));
      expect(negotiateVersion(theirs, ours)).toBe(common[0]);
      expect(negotiateVersion(ours, theirs)).toBe(common[0]);
    }),
    { seed: 2, numRuns: 1_000 },
  );
});

it('lets neighbours talk: N with N - 1, in both roles', () => {
  expect(negotiateVersion({ min: 4, max: 5 }, { min: 3, max: 4 })).toBe(4);
  expect(negotiateVersion({ min: 3, max: 4 }, { min: 4, max: 5 })).toBe(4);
  expect(negotiateVersion({ min: 5, max: 5 }, { min: 3, max: 4 })).toBeUndefined();
});

it('speaks its own version, and nothing that only a peer claims', () => {
  expect(negotiateVersion(supportedVersions)).toBe(PROTOCOL_VERSION);
  expect(negotiateVersion({ min: 1, max: Number.MAX_SAFE_INTEGER })).toBe(PROTOCOL_VERSION);
  expect(negotiateVersion({ min: PROTOCOL_VERSION + 1, max: Number.MAX_SAFE_INTEGER })).toBeUndefined();
  expect(negotiateVersion({ min: Number.MAX_SAFE_INTEGER, max: 1 })).toBeUndefined();
});
