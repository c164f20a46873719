/** The run file: one reviewed YAML file in which every field that has a unit says so, and the signed statement made of it. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { digestBlob } from '@consilium/crypto';
import { initialParameters, parameterCount } from '@consilium/model-spec';
import {
  decimal,
  hospitalIdSchema,
  type Digest,
  type Enrolment,
  type RunConfig,
  type RunId,
} from '@consilium/protocol';
import { CoordinatorError } from './errors.js';
import { floatBytes } from '@consilium/tensors';

const seconds = (fallback: number) => z.number().positive().max(86_400).default(fallback);

export const runFileSchema = z.strictObject({
  run: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  study: z.strictObject({ name: z.string().min(1).max(200), labels: z.array(z.string().min(1).max(64)).min(2) }),
  mode: z.literal('sealed'),
  head: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('linear') }),
    z.strictObject({ kind: z.literal('mlp'), hidden: z.int().min(1).max(8_192).default(256) }),
  ]),
  embeddingLength: z.int().min(1).max(16_384).default(2_048),
  /** Hash of the frozen backbone: `consilium-hospital backbone` prints it. */
  backbone: z.string().regex(/^[0-9a-f]{64}$/),
  preprocessing: z.string().min(1).max(64),
  seed: z.string().max(64).default('consilium'),
  rounds: z.int().min(1).max(100_000).default(5),
  minHospitals: z.int().min(1).max(200).default(2),
  /** Hospitals of this run; by default all that are enrolled. */
  hospitals: z.array(hospitalIdSchema).min(1).max(200).optional(),
  training: z
    .strictObject({
      epochs: z.int().min(1).max(1_000).default(2),
      batchSize: z.int().min(1).max(65_536).default(32),
      learningRate: z.number().positive().max(10).default(0.001),
      l2: z.number().min(0).max(1_000).default(0.1),
    })
    .prefault({}),
  /** Largest L2 norm of an update: a bound on what one hospital can do to the head. */
  clipNorm: z.number().positive().max(1_000_000).default(100),
  gatherTimeoutSeconds: seconds(3_600),
  roundTimeoutSeconds: seconds(3_600),
  absenceGraceSeconds: seconds(30),
});

export type RunFile = z.infer<typeof runFileSchema>;

/** @throws {@link CoordinatorError} `RUN_FILE_INVALID`, naming the field. */
export async function readRunFile(file: string): Promise<RunFile> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CoordinatorError('RUN_FILE_INVALID', `cannot read the run file ${file}`);
  });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    throw new CoordinatorError('RUN_FILE_INVALID', `${file} is not YAML`);
  }
  const parsed = runFileSchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw new CoordinatorError('RUN_FILE_INVALID', `${file}: ${faults.join('; ')}`);
  }
  return parsed.data;
}

/** @throws {@link CoordinatorError} `TOO_FEW_ENROLLED` when the roster could never reach `minHospitals`. */
export function runConfig(file: RunFile, enrolled: readonly Enrolment[]): RunConfig {
  const wanted = file.hospitals ?? enrolled.map(({ hospitalId }) => hospitalId);
  const roster = enrolled
    .filter(({ hospitalId }) => wanted.includes(hospitalId))
    .map(({ hospitalId, identityKey }) => ({ hospitalId, identityKey }));
  const missing = wanted.filter((id) => !roster.some(({ hospitalId }) => hospitalId === id));
  if (missing.length > 0) throw new CoordinatorError('TOO_FEW_ENROLLED', `not enrolled: ${missing.join(', ')}`);
  if (roster.length < file.minHospitals) {
    throw new CoordinatorError(
      'TOO_FEW_ENROLLED',
      `${roster.length} enrolled, but the run asks for at least ${file.minHospitals}; enrol more, or lower minHospitals`,
    );
  }
  const head = { ...file.head, inputs: file.embeddingLength, classes: file.study.labels.length };
  return {
    v: 1,
    runId: file.run as RunId,
    mode: file.mode,
    study: file.study,
    head,
    parameters: parameterCount(head),
    seed: file.seed,
    initialModel: digestBlob(floatBytes(initialParameters(head, file.seed))) as Digest,
    backbone: file.backbone as Digest,
    preprocessing: file.preprocessing,
    training: {
      epochs: file.training.epochs,
      batchSize: file.training.batchSize,
      learningRate: decimal(file.training.learningRate, 9),
      l2: decimal(file.training.l2, 9),
    },
    weighting: 'examples',
    clipNorm: decimal(file.clipNorm),
    rounds: file.rounds,
    minHospitals: file.minHospitals,
    roundTimeoutMs: Math.round(file.roundTimeoutSeconds * 1_000),
    roster,
  };
}
