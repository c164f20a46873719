/** Claims: every stage between a plan and its evaluation counts as within a round, in either mode, so that a stop waits for it. */
import { expect, it } from 'vitest';
import { StatusBoard } from './node-status.js';

it.each([
  ['joining', false],
  ['ready', false],
  ['training', true],
  ['masking', true],
  ['sending', true],
  ['waiting', true],
  ['evaluating', true],
  ['ended', false],
] as const)('%s: %s', (stage, expected) => {
  const board = new StatusBoard();
  board.note({ event: 'stage', run: 'r', stage, round: 1 });
  expect(board.isWithinARound).toBe(expected);
});
