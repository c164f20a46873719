/**
 * Everything that matters is said in one of these signed statements. Schemas are strict (an unknown field is refused)
 * and bounded; a statement holds digests, counts and metrics, never a pixel, an embedding, a file name or a patient.
 */
import { z } from 'zod';
import { decimalSchema } from './decimal.js';
import { digestSchema, hex32Schema, hospitalIdSchema, runIdSchema } from './ids.js';
import { limits } from './limits.js';
import { membershipStatements } from './membership.js';
import { policyRuleSchema } from './policy-rules.js';
import { exclusion, robustTerms } from './robust-terms.js';
import { secAggStatements, secAggTerms } from './secagg-statements.js';

const v = z.literal(1);
const round = z.int().min(1).max(limits.rounds);
const attempt = z.int().min(1).max(1_000);
const MAX_EXAMPLES = 100_000_000;
const examples = z.int().min(1).max(MAX_EXAMPLES);
const coordinator = z.literal('coordinator');
const durationMs = z.int().min(1).max(86_400_000);

/** The coordinator's public key, signed by itself; hospitals pin it when it reaches them by another way. */
const coordinatorCard = z.strictObject({ v, name: z.string().min(1).max(100), identityKey: hex32Schema });

/** A hospital's public key, signed by itself: proof that it holds the secret half. */
const enrolment = z.strictObject({ v, hospitalId: hospitalIdSchema, identityKey: hex32Schema });

const challenge = z.strictObject({
  v,
  protocol: z.int().min(1),
  hospitalId: hospitalIdSchema,
  clientNonce: hex32Schema,
  serverNonce: hex32Schema,
});

/** The answer binds both nonces and the coordinator's key: it is worth nothing to another coordinator or a later session. */
const challengeAnswer = z.strictObject({ ...challenge.shape, coordinatorKey: hex32Schema });

const headSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('linear'),
    inputs: z.int().min(1).max(16_384),
    classes: z.int().min(2).max(limits.labels),
  }),
  z.strictObject({
    kind: z.literal('mlp'),
    inputs: z.int().min(1).max(16_384),
    hidden: z.int().min(1).max(8_192),
    classes: z.int().min(2).max(limits.labels),
  }),
]);

/** Reddi et al., ICLR 2021, Algorithm 2, and Hsu et al. 2019 for momentum; applied to the mean update as a pseudo-gradient. */
const adaptive = { learningRate: decimalSchema, beta1: decimalSchema, beta2: decimalSchema, tau: decimalSchema };
const serverOptimizer = z.discriminatedUnion('optimizer', [
  z.strictObject({ optimizer: z.literal('fedavg'), learningRate: decimalSchema }),
  z.strictObject({ optimizer: z.literal('fedavgm'), learningRate: decimalSchema, momentum: decimalSchema }),
  z.strictObject({
    optimizer: z.literal('fedadagrad'),
    learningRate: decimalSchema,
    beta1: decimalSchema,
    tau: decimalSchema,
  }),
  z.strictObject({ optimizer: z.literal('fedadam'), ...adaptive }),
  z.strictObject({ optimizer: z.literal('fedyogi'), ...adaptive }),
]);

const notNegative = decimalSchema.refine((text) => Number(text) >= 0);
const positive = decimalSchema.refine((text) => Number(text) > 0);
const atMostOne = (text: string): boolean => Number(text) <= 1;

/** A factor on the learning rate by the epoch of the run: round r of E local epochs has those from (r - 1) E on. */
const schedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({ kind: z.literal('cosine'), minFactor: notNegative.refine(atMostOne) }),
  z.strictObject({
    kind: z.literal('step'),
    everyEpochs: z.int().min(1).max(100_000_000),
    factor: positive.refine(atMostOne),
  }),
]);

/** How each hospital trains in each round; libs/head says what the fields mean. */
const training = z.strictObject({
  epochs: z.int().min(1).max(1_000),
  batchSize: z.int().min(1).max(65_536),
  learningRate: positive,
  schedule,
  l2: notNegative,
  /** FedProx, dimensionless; 0 is federated averaging. */
  proximalMu: notNegative,
  classWeights: z.enum(['none', 'balanced']),
  /** 0 is off; it works where a hospital has a validation part. */
  earlyStopPatienceEpochs: z.int().min(0).max(1_000),
});

/** What every hospital consents to before the first round; it never changes during a run. */
const runConfigFields = z.strictObject({
  v,
  runId: runIdSchema,
  /** Who can read an update: nobody, or the coordinator. Never changed on the way. */
  mode: z.enum(['secagg', 'sealed']),
  /** Of the mode `secagg`, and of it alone. */
  secagg: secAggTerms.exactOptional(),
  study: z.strictObject({
    name: z.string().min(1).max(200),
    labels: z.array(z.string().min(1).max(64)).min(2).max(limits.labels),
  }),
  head: headSpec,
  parameters: z.int().min(1),
  seed: z.string().max(64),
  initialModel: digestSchema,
  backbone: digestSchema,
  preprocessing: z.string().max(64),
  training,
  /** `uniform`: every hospital counts alike; secagg only. */
  weighting: z.enum(['examples', 'uniform']),
  /** Of the mode `sealed`; absent: the mean, weighted by examples. */
  aggregation: robustTerms.exactOptional(),
  /** Largest L2 norm of an update, dimensionless: hospitals scale longer ones down, the coordinator refuses them. */
  clipNorm: decimalSchema,
  /** What the coordinator does with the mean update. */
  server: serverOptimizer,
  rounds: round,
  minHospitals: z.int().min(1).max(limits.hospitals),
  /** How long the first hospitals wait for the others before a round starts without them. */
  gatherTimeoutMs: durationMs,
  roundTimeoutMs: durationMs,
  /** How long a lost connection may take to come back before a round stops waiting for it. */
  absenceGraceMs: durationMs,
  /** null: a round waits for its whole cohort. Else so many updates are enough once `afterMs` have passed. */
  stragglers: z.nullable(z.strictObject({ quorum: z.int().min(1).max(limits.hospitals), afterMs: durationMs })),
  /** Which held-out figure decides the best round; patience 0 leads all rounds. */
  selection: z.strictObject({
    metric: z.enum(['loss', 'accuracy', 'balancedAccuracy', 'auc']),
    patienceRounds: z.int().min(0).max(limits.rounds),
  }),
  roster: z
    .array(z.strictObject({ hospitalId: hospitalIdSchema, identityKey: hex32Schema }))
    .min(1)
    .max(limits.hospitals),
});

const runConfig = runConfigFields
  .refine(
    ({ mode, secagg, weighting }) =>
      (mode === 'secagg') === (secagg !== undefined) && (mode === 'secagg' || weighting === 'examples'),
    { path: ['secagg'], error: 'belongs to the mode secagg, and only to it' },
  )
  .refine(({ mode, aggregation }) => mode === 'sealed' || aggregation === undefined, {
    path: ['aggregation'],
    error: 'a rule that leaves updates out needs the mode sealed: under masks nobody sees one',
  });

const consent = z.strictObject({ v, runId: runIdSchema, from: hospitalIdSchema, configDigest: digestSchema });

/** The hospital takes no part in a run of this configuration, by its own policy. */
const refusal = z.strictObject({
  v,
  runId: runIdSchema,
  from: hospitalIdSchema,
  configDigest: digestSchema,
  rule: policyRuleSchema,
});

const plan = z.strictObject({
  v,
  runId: runIdSchema,
  round,
  attempt,
  from: coordinator,
  configDigest: digestSchema,
  /** SHA-256 of the head that every hospital starts from: float32 little-endian, shape (parameters,). */
  model: digestSchema,
  /** X25519 key that updates of this round are sealed to; its secret half lives for the round. */
  roundKey: hex32Schema,
  cohort: z.array(hospitalIdSchema).min(1).max(limits.hospitals),
});

/** The header of everything that a hospital says within a round. */
const reply = { v, runId: runIdSchema, round, attempt, from: hospitalIdSchema, planDigest: digestSchema } as const;

const update = z.strictObject({
  ...reply,
  blobDigest: digestSchema,
  blobBytes: z.int().min(1).max(limits.blobBytes),
  /** Training examples behind the update: its weight in the average. */
  examples,
  /** Mean training loss of the last local epoch, nats. */
  loss: decimalSchema,
});

/** The hospital takes no part in this attempt: nobody needs to wait for it. It will not answer this plan any more. */
const decline = z.discriminatedUnion('reason', [
  z.strictObject({ ...reply, reason: z.enum(['UPDATE_LOST', 'TRAINING_FAILED', 'PAUSED', 'CLOCK']) }),
  z.strictObject({ ...reply, reason: z.literal('POLICY'), rule: policyRuleSchema }),
]);

const aggregate = z.strictObject({
  v,
  runId: runIdSchema,
  round,
  attempt,
  from: coordinator,
  planDigest: digestSchema,
  /** The new head. */
  model: digestSchema,
  /** Whose updates it holds, in the order in which they were summed. */
  updates: z.array(z.strictObject({ hospitalId: hospitalIdSchema, blobDigest: digestSchema })).max(limits.hospitals),
  /** Received, and left out; absent: none. */
  exclusions: z.array(exclusion).min(1).max(limits.hospitals).exactOptional(),
  totalExamples: z
    .int()
    .min(1)
    .max(limits.hospitals * MAX_EXAMPLES),
});

/** How the new head does on the sender's held-out part; null where nothing is held out. */
const evaluation = z.strictObject({
  ...reply,
  model: digestSchema,
  scores: z.nullable(
    z.strictObject({
      part: z.enum(['validation', 'test']),
      examples,
      loss: decimalSchema,
      accuracy: decimalSchema,
      balancedAccuracy: decimalSchema,
      auc: z.nullable(decimalSchema),
    }),
  ),
});

const runEnd = z.strictObject({
  v,
  runId: runIdSchema,
  from: coordinator,
  configDigest: digestSchema,
  outcome: z.enum(['finished', 'aborted']),
  reason: z.enum([
    'ALL_ROUNDS_DONE',
    'EARLY_STOPPED',
    'TOO_FEW_HOSPITALS',
    'STOPPED',
    'COORDINATOR_FAILED',
    /** Too few hospitals helped to open a sum; a second one of the same round could be compared with it. */
    'SUM_NOT_OPENED',
    /** What was opened is not what honest hospitals send. */
    'SUM_REFUSED',
    /** A hospital refused the shares that another one dealt it. */
    'SHARES_DISPUTED',
  ]),
  rounds: z.int().min(0).max(limits.rounds),
  /** The round whose head the hospitals' held-out parts liked best, and that head; null where nothing was evaluated. */
  best: z.nullable(z.strictObject({ round, model: digestSchema })),
});

export const statements = {
  'coordinator-card': coordinatorCard,
  enrolment,
  challenge,
  'challenge-answer': challengeAnswer,
  'run-config': runConfig,
  consent,
  refusal,
  plan,
  update,
  decline,
  aggregate,
  evaluation,
  'run-end': runEnd,
  ...secAggStatements,
  ...membershipStatements,
} as const;

export type StatementName = keyof typeof statements;
export type Statement<N extends StatementName> = z.infer<(typeof statements)[N]>;
export type CoordinatorCard = Statement<'coordinator-card'>;
export type Enrolment = Statement<'enrolment'>;
export type Invitation = Statement<'invitation'>;
export type MembershipStatus = Statement<'membership-status'>;
export type Challenge = Statement<'challenge'>;
export type ChallengeAnswer = Statement<'challenge-answer'>;
export type RunConfig = Statement<'run-config'>;
export type Consent = Statement<'consent'>;
export type Plan = Statement<'plan'>;
export type SecAggPlanStatement = Statement<'secagg-plan'>;
export type SecAggAggregate = Statement<'secagg-aggregate'>;
export type UpdateStatement = Statement<'update'>;
export type Refusal = Statement<'refusal'>;
export type Decline = Statement<'decline'>;
export type Aggregate = Statement<'aggregate'>;
export type Evaluation = Statement<'evaluation'>;
export type RunEnd = Statement<'run-end'>;

export const payloadType = (name: StatementName): string => `application/vnd.consilium.${name}.v1+json`;
