/**
 * The one schema of a run file: it checks the file, types the program, explains the fields (`config explain`) and describes
 * the body of the API. Every field that has a unit says so in its name.
 */
import { z } from 'zod';
import { hospitalIdSchema } from '@consilium/protocol';

const seconds = (fallback: number) => z.number().positive().max(86_400).default(fallback);

const schedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({
    kind: z.literal('cosine'),
    minFactor: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('what the factor falls towards, from 1, over the whole run'),
  }),
  z.strictObject({
    kind: z.literal('step'),
    everyEpochs: z.int().min(1).max(100_000_000).describe('epochs after which the factor is applied again'),
    factor: z.number().min(0.000_001).max(1).describe('factor on the learning rate at each step'),
  }),
]);

const faulty = z.int().min(1).max(99).describe('updates that may be anything');
const share = z.number().min(0).lt(1);
const serverStep = (learningRate: number) =>
  z.number().positive().max(100).default(learningRate).describe('of the server, on the mean update');
const momentum = 'share of the old mean of updates that is kept';
/** Defaults of Reddi et al., ICLR 2021, except for the step, which depends on the task. */
const adaptive = {
  learningRate: serverStep(0.1),
  beta1: share.default(0.9).describe(momentum),
  beta2: share.default(0.99).describe('share of the old mean square that is kept'),
  tau: z.number().positive().max(1).default(0.001).describe('added to the root of the mean square'),
};
const server = z.discriminatedUnion('optimizer', [
  z.strictObject({ optimizer: z.literal('fedavg'), learningRate: serverStep(1) }),
  z.strictObject({
    optimizer: z.literal('fedavgm'),
    learningRate: serverStep(1),
    momentum: share.default(0.9).describe(momentum),
  }),
  z.strictObject({
    optimizer: z.literal('fedadagrad'),
    ...{ learningRate: adaptive.learningRate, tau: adaptive.tau, beta1: share.default(0).describe(momentum) },
  }),
  z.strictObject({ optimizer: z.literal('fedadam'), ...adaptive }),
  z.strictObject({ optimizer: z.literal('fedyogi'), ...adaptive }),
]);

const training = z.strictObject({
  epochs: z.int().min(1).max(1_000).default(2).describe('passes over the local images in one round'),
  batchSize: z.int().min(1).max(65_536).default(32).describe('images in one step'),
  learningRate: z.number().positive().max(10).default(0.001).describe('of the hospitals, with Adam'),
  schedule: schedule
    .default({ kind: 'constant' })
    .describe('a factor on the learning rate by the epoch of the run, all rounds together'),
  l2: z.number().min(0).max(1_000).default(0.1).describe('weight of the squared parameters in the loss'),
  proximalMu: z
    .number()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('FedProx: how strongly a local head is tied to the one that the round started from'),
  classWeights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe("balanced: a hospital's rare classes weigh as much as its common ones"),
  earlyStopPatienceEpochs: z
    .int()
    .min(0)
    .max(1_000)
    .default(0)
    .describe("epochs without a lower loss on a hospital's validation part after which its training ends; 0: never"),
});

export const runFileSchema = z.strictObject({
  run: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
    .describe('name of the run: a-z, 0-9 and inner hyphens'),
  study: z.strictObject({
    name: z.string().min(1).max(200).describe('what hospitals read before they consent'),
    labels: z.array(z.string().min(1).max(64)).min(2).describe('the classes, in the order of the outputs of the head'),
  }),
  mode: z
    .enum(['secagg', 'sealed'])
    .default('secagg')
    .describe(
      'secagg: updates are masked, and only their sum can be opened; sealed: encrypted to the coordinator, who can read each',
    ),
  secagg: z
    .strictObject({
      tolerated: z
        .int()
        .min(0)
        .max(198)
        .optional()
        .describe('hospitals that may collude with the coordinator; without it a third of the others, rounded down'),
      weightCap: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(10_000)
        .describe('training images of one hospital that count at most'),
      stageTimeoutSeconds: seconds(120).describe('how long each exchange of keys, shares and masked updates may take'),
    })
    .prefault({})
    .describe('of the mode secagg'),
  weighting: z
    .enum(['examples', 'uniform'])
    .default('examples')
    .describe('examples: by training images; uniform: every hospital counts alike, secagg only'),
  head: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('linear').describe('one layer') }),
    z.strictObject({
      kind: z.literal('mlp').describe('two layers'),
      hidden: z.int().min(1).max(8_192).default(256).describe('units of the hidden layer'),
    }),
  ]),
  embeddingLength: z.int().min(1).max(16_384).default(2_048).describe('inputs of the head: features of the backbone'),
  backbone: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of the frozen backbone; consilium-hospital backbone prints it'),
  preprocessing: z
    .string()
    .min(1)
    .max(64)
    .describe('version of the way from file to tensor; printed beside the backbone'),
  seed: z.string().max(64).default('consilium').describe('decides the initial head'),
  rounds: z.int().min(1).max(100_000).default(5).describe('rounds of the run, at most'),
  minHospitals: z
    .int()
    .min(1)
    .max(200)
    .default(2)
    .describe('no round is averaged with fewer updates; in the mode secagg 3, and 2 more than tolerated, at least'),
  hospitals: z
    .array(hospitalIdSchema)
    .min(1)
    .max(200)
    .optional()
    .describe('hospitals of this run; without it all that are enrolled'),
  training: training.prefault({}),
  clipNorm: z
    .number()
    .positive()
    .max(1_000_000)
    .default(100)
    .describe('largest L2 norm of an update: a bound on what one hospital can do to the head'),
  aggregation: z
    .discriminatedUnion('rule', [
      z.strictObject({ rule: z.literal('mean').describe('weighted by training images') }),
      z.strictObject({ rule: z.literal('median').describe('of each coordinate; at least 3 hospitals') }),
      z.strictObject({
        rule: z.literal('trimmed-mean').describe('of each coordinate; at least 5 hospitals, and 2 faulty + 1'),
        faulty,
      }),
      z.strictObject({
        rule: z.literal('multi-krum').describe('of the updates closest to the others; at least 2 faulty + 3 hospitals'),
        faulty,
      }),
    ])
    .default({ rule: 'mean' })
    .describe('how the updates of a round become one; other rules than mean in the mode sealed only'),
  server: server.prefault({ optimizer: 'fedavg' }).describe('what the coordinator does with the mean update'),
  stragglers: z
    .strictObject({
      quorum: z.int().min(1).max(200).describe('so many updates close a round once the time is over'),
      afterSeconds: seconds(600).describe('how long a round waits for its whole cohort'),
    })
    .optional()
    .describe('without it a round waits for its whole cohort, as long as roundTimeoutSeconds allows'),
  selection: z
    .strictObject({
      metric: z
        .enum(['loss', 'accuracy', 'balancedAccuracy', 'auc'])
        .default('balancedAccuracy')
        .describe('held-out figure that decides the best round'),
      patienceRounds: z
        .int()
        .min(0)
        .max(100_000)
        .default(0)
        .describe('rounds without a better one after which the run ends; 0: all rounds are led'),
    })
    .prefault({}),
  gatherTimeoutSeconds: seconds(3_600).describe('how long the first hospitals wait for the others before a round'),
  roundTimeoutSeconds: seconds(3_600).describe('how long a round may take'),
  absenceGraceSeconds: seconds(30).describe('how long a lost connection may take to come back'),
});

export type RunFile = z.infer<typeof runFileSchema>;
