/**
 * Claims: `run` ends with 0 whenever its run has finished, with 130 when a signal has stopped it, with 4 when anything else has;
 * whoever leads no more ends with 6 if another leads, and with the store's own code and 5 otherwise. Oracle: the README's table.
 */
import { expect, it } from 'vitest';
import { StoreError } from '@consilium/store';
import { exitStatusOf } from '../exit-status.js';
import { depositionOf, endOf } from './serve.js';

const statusOf = (error: Error | undefined): number => (error === undefined ? 0 : exitStatusOf(error).status);

it.each([
  [0, { outcome: 'finished', reason: 'ALL_ROUNDS_DONE', wasAsked: false }],
  // The signal came when there was nothing left to stop.
  [0, { outcome: 'finished', reason: 'ALL_ROUNDS_DONE', wasAsked: true }],
  [130, { outcome: 'aborted', reason: 'STOPPED', wasAsked: true }],
  [4, { outcome: 'aborted', reason: 'STOPPED', wasAsked: false }],
  [4, { outcome: 'aborted', reason: 'TOO_FEW_HOSPITALS', wasAsked: true }],
  [130, undefined],
] as const)('ends with %i: %o', (status, ended) => {
  expect(statusOf(endOf(ended))).toBe(status);
});

it.each([
  [6, /^DEPOSED: /, 'LEASE_LOST'],
  [5, /^SCHEMA_TOO_NEW: /, 'SCHEMA_TOO_NEW'],
] as const)('ends with %i and %s: %s', (status, line, code) => {
  expect(exitStatusOf(depositionOf(new StoreError(code, 'why')))).toMatchObject({
    status,
    line: expect.stringMatching(line) as string,
  });
});
