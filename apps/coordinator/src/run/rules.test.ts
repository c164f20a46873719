/**
 * Claims: (1) a score is larger when it is better, whatever the metric; (2) it is the same value before and after the log, a
 * loss of exactly 0 included; (3) no score where nothing is held out or the metric is not defined there.
 * Oracle: signs written out here, and JSON.
 */
import { expect, it } from 'vitest';
import type { Evaluation } from '@consilium/protocol';
import { scoreOf } from './rules.js';

const scores = (loss: string, auc: string | null = '0.9'): Evaluation['scores'] => ({
  ...{ part: 'test', examples: 12, loss, accuracy: '0.8', balancedAccuracy: '0.7', auc },
});

it('is larger when it is better', () => {
  expect(scoreOf(scores('0.4'), 'loss')).toEqual({ examples: 12, value: -0.4 });
  expect(scoreOf(scores('0.4'), 'accuracy')).toEqual({ examples: 12, value: 0.8 });
});

it('comes back from the log as it was', () => {
  const score = scoreOf(scores('0'), 'loss');
  // toEqual tells 0 from -0.
  expect(JSON.parse(JSON.stringify(score))).toEqual(score);
});

it('is none where there is nothing to score', () => {
  expect(scoreOf(null, 'loss')).toBeNull();
  expect(scoreOf(scores('0.4', null), 'auc')).toBeNull();
});
