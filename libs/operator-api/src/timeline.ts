/**
 * The open round as people watch it: the same six stages in both trust modes, each hospital's place in them, and what
 * happens next. Values only; the words are the reader's.
 */
import { z } from 'zod';
import { policyRules, type PolicyRule } from '@consilium/protocol';
import { hospital, instant } from './fields.js';

/** invite: consents and the plan; evaluate: the new head on what each hospital held out. */
export const stageNames = ['invite', 'train', 'mask', 'agree', 'open', 'evaluate'] as const;
export type StageName = (typeof stageNames)[number];
const stageName = z.enum(stageNames);

const stage = z.strictObject({
  stage: stageName,
  state: z.enum(['done', 'now', 'ahead', 'none']).describe('none: this trust mode has no such stage'),
  since: instant.nullable(),
  until: instant.nullable().describe('when it was over'),
  limitMs: z.int().nullable().describe('how long it may take; null: no limit, or not known yet'),
  expectedMs: z.int().nullable().describe('median of the rounds before; null in the first'),
});

const place = z.strictObject({
  hospital,
  stage: stageName.nullable().describe('the last one that it reached; null: takes no part in the open round'),
  place: z
    .enum(['expected', 'working', 'done', 'late', 'declined', 'refused', 'dropped', 'outside'])
    .describe(
      'expected: has not connected or consented; working: its answer is awaited; done: has answered, and waits for others; ' +
        'late: awaited for longer than it should take; declined: said that it sends nothing; ' +
        'refused: takes no part in this run, by its own policy; dropped: the round went on ' +
        'without it; outside: not part of the open round',
    ),
  since: instant.nullable().describe('when it got there'),
  rule: z.enum(policyRules).nullable().describe('of its own policy, by which it refused; null: it has not'),
});

const next = z.strictObject({
  waitsFor: z
    .enum(['hospitals', 'updates', 'answers', 'evaluations', 'coordinator', 'operator'])
    .describe('hospitals: to connect and consent; operator: to resume; coordinator: its own work'),
  needs: z.int().describe('so many more answers are the least with which it goes on'),
  missing: z.array(hospital).describe('whom it waits for now'),
  by: instant.nullable().describe('when the wait ends; null: it has no end'),
  then: z.enum(['round-starts', 'next-stage', 'next-round', 'run-ends']).describe('with enough answers'),
  otherwise: z
    .enum(['waits-on', 'round-again', 'run-ends'])
    .nullable()
    .describe('with too few at that moment; null: cannot be'),
  without: z.array(hospital).describe('of those missing, whom it would go on without at that moment'),
});

export const timeline = z.strictObject({
  round: z.int(),
  attempt: z.int().describe('1: the first of this round'),
  stage: stageName.nullable().describe('null: the run has ended'),
  stages: z.array(stage),
  places: z.array(place).describe('of the whole roster'),
  next: next.nullable().describe('null: the run has ended'),
});

export type { PolicyRule };
export type Timeline = z.infer<typeof timeline>;
export type StageView = z.infer<typeof stage>;
export type PlaceView = z.infer<typeof place>;
export type NextView = z.infer<typeof next>;
