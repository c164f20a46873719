/** What is left of a run: this hospital's own files, and the results files that others handed over. */
import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import { z } from 'zod';
import type { Figures, HospitalResult } from './card.js';
import { HospitalError } from '../errors.js';

const id = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().min(1).max(200);
const size = z.int().min(1).max(16_384);

/** The part of the signed configuration that a release speaks of; the hospital judged the whole of it before the run. */
const runSchema = z.object({
  runId: id,
  mode: text,
  study: z.object({ name: text, labels: z.array(z.string().min(1).max(64)).min(2).max(1_000) }),
  head: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('linear'), inputs: size, classes: size }),
    z.object({ kind: z.literal('mlp'), inputs: size, hidden: size, classes: size }),
  ]),
  backbone: hash,
  preprocessing: text,
  training: z.record(z.string(), z.unknown()),
  roster: z.array(z.object({ hospitalId: id })).min(1),
});

export type ReleasedRun = z.infer<typeof runSchema>;

const share = z.number().min(0).max(1).nullable();
const interval = z.object({ lower: z.number(), upper: z.number() }).nullable();
const metrics = z.object({ accuracy: share, balancedAccuracy: share, auc: share });
const assessment = z.object({
  calibrationError: share,
  intervals: z.object({ accuracy: interval, balancedAccuracy: interval, auc: interval }),
});
const count = z.int().min(0);

/** `results/RUN.json`; whatever else is in it stays there. */
const summarySchema = z.object({
  hospital: id,
  run: id,
  rounds: count,
  train: count,
  validation: count,
  test: count,
  quarantined: z.record(z.string().max(64), count),
  backbone: z.object({ hash }),
  localOnly: metrics,
  federated: metrics,
  /** Absent in files of older versions. Confusion matrices and curves stay there: their cells may be one patient. */
  details: z.object({ localOnly: assessment, federated: assessment }).optional(),
});

type RunSummary = z.infer<typeof summarySchema>;

const RESULTS_BYTES_MAX = 4 * 1024 * 1024;

async function readBounded(path: string, bytesMax: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const status = await file.stat();
    if (!status.isFile() || status.size > bytesMax) throw invalid(path, 'it is too large, or no file');
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const invalid = (path: string, why: string): HospitalError =>
  new HospitalError('RESULTS_INVALID', `${basename(path)} cannot be used: ${why}`);

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBounded(path, RESULTS_BYTES_MAX);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(path, parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; '));
}

/**
 * @param results - the folder `results` of a hospital's home.
 * @returns the configuration of the run, and its last head, float32, shape (parameters,).
 * @throws {@link HospitalError} `RUN_UNKNOWN` or `RESULTS_INVALID`.
 */
export async function readRun(
  results: string,
  runId: string,
): Promise<{ run: ReleasedRun; parameters: Float32Array; own: RunSummary }> {
  // The name becomes a path.
  if (!id.safeParse(runId).success) {
    throw new HospitalError('RUN_UNKNOWN', 'the name of a run is 1 to 63 of a-z, 0-9 and inner hyphens');
  }
  const missing = (error: unknown): never => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new HospitalError('RUN_UNKNOWN', `${results} has no results of run ${runId}: it was not finished here`);
    }
    throw error;
  };
  const run = await readJson(join(results, `${runId}.config.json`), runSchema).catch(missing);
  const own = await readJson(join(results, `${runId}.json`), summarySchema).catch(missing);
  const path = join(results, `${runId}.head`);
  const bytes = await readFile(path).catch(missing);
  const spec: HeadSpec = run.head;
  if (run.runId !== runId || own.run !== runId) throw invalid(path, 'the files beside it are of another run');
  if (run.study.labels.length !== spec.classes) throw invalid(path, 'the head has another number of classes');
  if (bytes.length !== 4 * parameterCount(spec)) throw invalid(path, 'it does not have the length of its head');
  const parameters = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  if (!parameters.every(Number.isFinite)) throw invalid(path, 'a parameter is not a finite number');
  return { run, parameters, own };
}

function resultOf({ hospital, train, validation, test, quarantined, details, ...heads }: RunSummary): HospitalResult {
  const figuresOf = (head: 'localOnly' | 'federated'): Figures => ({
    ...heads[head],
    calibrationError: details?.[head].calibrationError ?? null,
    intervals: details?.[head].intervals ?? null,
  });
  return {
    hospital,
    images: { train, validation, test },
    quarantined,
    localOnly: figuresOf('localOnly'),
    federated: figuresOf('federated'),
  };
}

/**
 * @param files - results files of other hospitals of the run; not trusted further than their figures.
 * @returns one entry for each hospital, in the order of their names.
 * @throws {@link HospitalError} `RESULTS_INVALID` for a file of another run, backbone or consortium, or two of one hospital.
 */
export async function readResults(
  run: ReleasedRun,
  own: RunSummary,
  files: readonly string[],
): Promise<HospitalResult[]> {
  const byHospital = new Map([[own.hospital, own]]);
  const roster = new Set(run.roster.map(({ hospitalId }) => hospitalId));
  for (const file of files) {
    const summary = await readJson(file, summarySchema);
    if (summary.run !== run.runId) throw invalid(file, `it is of run ${summary.run}`);
    if (summary.backbone.hash !== run.backbone) throw invalid(file, 'it was measured with another backbone');
    if (!roster.has(summary.hospital)) throw invalid(file, `${summary.hospital} was not invited to this run`);
    const known = byHospital.get(summary.hospital);
    // One's own file among those of the others is no contradiction.
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(summary)) {
      throw invalid(file, `there is another file of ${summary.hospital}`);
    }
    byHospital.set(summary.hospital, summary);
  }
  return [...byHospital.values()].map(resultOf).sort((a, b) => (a.hospital < b.hospital ? -1 : 1));
}
