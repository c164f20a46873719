/**
 * Claims: an address leads to one page and back, whatever a run is called; what is not known leads to no page and throws
 * nothing; a one-time token is found only where it is all that the fragment says. Oracle: addresses written by hand.
 */
import { describe, expect, it } from 'vitest';
import { linkOf } from '../api/one-time-link.js';
import { hrefOfComparison, hrefOfRun, routeOf } from './router.js';

describe('routeOf', () => {
  it.each([
    ['', { page: 'now' }],
    ['#', { page: 'now' }],
    ['#/now', { page: 'now' }],
    ['#/runs', { page: 'runs' }],
    ['#/runs/demo', { page: 'run', run: 'demo' }],
    ['#/runs/demo/more', { page: 'unknown' }],
    ['#/hospitals/x', { page: 'unknown' }],
    ['#/compare', { page: 'compare', runs: [undefined, undefined] }],
    ['#/activity?run=demo', { page: 'activity' }],
    ['#/runs/%E0%A4%A', { page: 'run', run: '%E0%A4%A' }],
    ['#/constructor', { page: 'unknown' }],
  ])('%s', (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
  });

  it.each(['demo', 'a/b', 'ä & <b>?#', '100%'])('leads back to the run %s', (run) => {
    expect(routeOf(hrefOfRun(run))).toEqual({ page: 'run', run });
    expect(routeOf(hrefOfComparison(run, 'x'))).toEqual({ page: 'compare', runs: [run, 'x'] });
  });
});

describe('linkOf', () => {
  it.each([
    ['#setup=abc-_9', { kind: 'setup', token: 'abc-_9' }],
    ['#link=a', { kind: 'link', token: 'a' }],
    ['#welcome=a', { kind: 'welcome', token: 'a' }],
    ['#link=', undefined],
    ['#link=a b', undefined],
    ['#/link=a', undefined],
    ['#other=a', undefined],
    [`#link=${'a'.repeat(201)}`, undefined],
  ])('%s', (hash, link) => {
    expect(linkOf(hash)).toEqual(link);
  });
});
