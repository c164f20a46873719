/**
 * Claims: the sentence names how many are needed, by when, what happens otherwise, and whom one waits for; long lists are cut
 * to three names and a number; a run that is paused or at its own work asks for nobody. Oracle: sentences written by hand.
 */
import type { NextView } from '@consilium/operator-api';
import { describe, expect, it } from 'vitest';
import { listed, nextSentence } from './next-sentence.js';

const time = (iso: string): string => iso.slice(11, 16);
const next = (changes: Partial<NextView>): NextView => ({
  ...{ waitsFor: 'updates', needs: 3, missing: ['St. Anna'], by: '2026-11-27T14:02:00.000Z', then: 'next-stage' },
  ...{ otherwise: null, without: [] },
  ...changes,
});

describe('nextSentence', () => {
  it.each<[Partial<NextView>, string]>([
    [
      { missing: [], without: ['St. Anna'] },
      '3 more updates needed by 14:02, else the round ends without St. Anna. Then the next stage begins.',
    ],
    [
      { needs: 1, waitsFor: 'hospitals', otherwise: 'waits-on', then: 'round-starts' },
      '1 more hospital needed by 14:02, and it waits on after that. Awaited: St. Anna. Then the round starts.',
    ],
    [
      { needs: 2, waitsFor: 'answers', otherwise: 'round-again' },
      '2 more answers needed by 14:02, else the round is tried again. Awaited: St. Anna. Then the next stage begins.',
    ],
    [
      { otherwise: 'run-ends', missing: ['a', 'b', 'c', 'd', 'e'] },
      '3 more updates needed by 14:02, else the run ends. Awaited: a, b, c and 2 more. Then the next stage begins.',
    ],
    [{ by: null, otherwise: 'run-ends', missing: [] }, '3 more updates needed. Then the next stage begins.'],
    [
      { needs: 0, without: ['St. Anna'] },
      'Enough have answered. It waits for St. Anna until 14:02, then goes on without. Then the next stage begins.',
    ],
    [
      { needs: 0, by: null, waitsFor: 'evaluations', then: 'run-ends' },
      'Enough have answered. It waits for St. Anna. Then the run ends.',
    ],
    [{ needs: 0, missing: [] }, 'Enough have answered. Then the next stage begins.'],
    [
      { waitsFor: 'coordinator', then: 'next-round' },
      'The coordinator is at work. Nobody is awaited. Then the next round begins.',
    ],
    [
      { waitsFor: 'operator' },
      'Paused: the open round is finished, and no other begins until somebody resumes the run.',
    ],
  ])('%j', (changes, sentence) => {
    expect(nextSentence(next(changes), time)).toBe(sentence);
  });
});

describe('listed', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['a', 'b', 'c', 'd'], 'a, b, c and 1 more'],
  ])('%j', (names, text) => {
    expect(listed(names)).toBe(text);
  });
});
