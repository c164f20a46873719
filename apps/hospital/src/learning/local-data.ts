/** What a hospital learns from: its embeddings, split by patient, with the labels of the study. */
import {
  chooseEngine,
  EmbeddingCache,
  loadBackbone,
  openEngine,
  untrainedBackbone,
  type Backbone,
  type Engine,
  type EngineId,
} from '@consilium/backbone';
import type { Examples } from '@consilium/head';
import {
  DecoderPool,
  judge,
  planDataset,
  PREPROCESSING_VERSION,
  readDataset,
  type DatasetRow,
  type LabelledRow,
} from '@consilium/imaging';
import { SeededRandom } from '@consilium/tensors';
import type { HospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { groupBy } from './group-by.js';
import { embedFolder, type EmbeddedFolder, type EmbeddedImage, type QuarantinedImage } from './embed-folder.js';
import { ExaminationStore } from './examination-store.js';

export interface LocalData {
  readonly backbone: Backbone;
  readonly engineId: Engine['id'];
  readonly embedded: readonly EmbeddedImage[];
  /** Reason codes with counts. */
  readonly quarantined: ReadonlyMap<string, number>;
}

export interface Split {
  readonly train: Examples;
  readonly trainPatients: number;
  readonly validation: Examples;
  readonly test: Examples;
  /** Which test images are of one patient: equal numbers, which mean nothing else. Shape (test images,). */
  readonly testPatients: Int32Array;
  /** Reason codes with counts, those of {@link LocalData} included. */
  readonly quarantined: ReadonlyMap<string, number>;
}

export const openBackbone = (file: string | undefined): Promise<Backbone> =>
  file === undefined ? untrainedBackbone() : loadBackbone(file);

/** @throws {@link HospitalError} `NO_USABLE_IMAGES`; ImagingError for a folder or a table that cannot be used. */
export async function readLocalData(
  config: HospitalConfig,
  onProgress: (done: number, total: number) => void,
): Promise<LocalData> {
  const dataset = await readDataset(config.data, config.labels === undefined ? {} : { labels: config.labels });
  const rows = chooseRows(dataset.rows, config);
  if (rows.length === 0) {
    const source = dataset.source === 'manifest' ? 'the manifest' : 'the folder';
    const where = config.site === undefined ? source : `${source} for site ${config.site}`;
    throw new HospitalError('NO_USABLE_IMAGES', `${where} lists no image: nothing to learn from`);
  }
  const backbone = await openBackbone(config.backbone);
  const { id: engineId } = await chooseEngine(config.engine);
  const { embedded, quarantined } = judged(await embedRows(rows, backbone, config, engineId, onProgress));
  if (embedded.length === 0) {
    const reasons = [...counts(quarantined)].map(([code, n]) => `${code} ${n}`).join(', ');
    throw new HospitalError('NO_USABLE_IMAGES', `none of ${rows.length} images can be used: ${reasons}`);
  }
  return { backbone, engineId, embedded, quarantined: counts(quarantined) };
}

/** What only the whole folder shows: films that are there twice, labels that contradict each other, patients in two splits. */
function judged({ embedded, quarantined }: EmbeddedFolder): {
  readonly embedded: readonly EmbeddedImage[];
  readonly quarantined: readonly QuarantinedImage[];
} {
  const kept: EmbeddedImage[] = [];
  const refused = [...quarantined];
  // The study's labels are not known yet: a label that it does not have is found when the data is split for it.
  for (const verdict of judge(embedded)) {
    const { row, embedding } = verdict.file;
    if (verdict.status === 'usable') kept.push({ row, embedding });
    else refused.push({ row, code: verdict.reason });
  }
  return { embedded: kept, quarantined: refused };
}

/** Decoding takes a fraction of an embedding; more threads than this would only wait. */
const decoderThreads = (threads: number): number => Math.max(1, Math.ceil(threads / 2));

/** The engine and the decoders live as long as this takes. */
async function embedRows(
  rows: readonly DatasetRow[],
  backbone: Backbone,
  { data, cache: directory, threads }: HospitalConfig,
  engineId: EngineId,
  onProgress: (done: number, total: number) => void,
): Promise<EmbeddedFolder> {
  let opened: Promise<Engine> | undefined;
  const engine = (): Promise<Engine> => (opened ??= openEngine(backbone, { threads, engine: engineId }));
  const cache = new EmbeddingCache(directory, {
    backboneHash: backbone.hash,
    preprocessingVersion: PREPROCESSING_VERSION,
    engineId,
    precision: 'fp32',
  });
  const decoders = new DecoderPool({ workers: decoderThreads(threads) });
  const examinations = new ExaminationStore(directory);
  try {
    return await embedFolder(data, rows, { backbone, cache, examinations, decoders, engine }, onProgress);
  } finally {
    await decoders.close();
    await opened?.then((running) => running.close());
  }
}

/** Whole patients, in a seeded order, until the limit is reached. */
function chooseRows(all: readonly DatasetRow[], { site, maxImages, splitSeed }: HospitalConfig): readonly DatasetRow[] {
  const rows = site === undefined ? all : all.filter((row) => row.site === site);
  if (maxImages === undefined || rows.length <= maxImages) return rows;
  const byPatient = groupBy(rows, ({ patient }) => patient);
  const chosen: DatasetRow[] = [];
  for (const images of new SeededRandom(`images/${splitSeed}`).shuffle([...byPatient.values()])) {
    if (chosen.length + images.length <= maxImages) chosen.push(...images);
  }
  return chosen;
}

/** @throws {@link HospitalError} `NO_USABLE_IMAGES` when nothing is left to train on. */
export function splitFor(
  labels: readonly string[],
  { embedded, quarantined }: LocalData,
  { splitSeed, testShare }: HospitalConfig,
): Split {
  const embeddings = new Map<DatasetRow, Float32Array>(embedded.map(({ row, embedding }) => [row, embedding]));
  const plan = planDataset([...embeddings.keys()], { labels, seed: splitSeed, testShare });
  const examples = (rows: readonly LabelledRow[]): Examples => {
    const length = embedded[0]?.embedding.length ?? 0;
    const matrix = new Float32Array(rows.length * length);
    rows.forEach((row, k) => {
      matrix.set(embeddings.get(row) as Float32Array, k * length);
    });
    return { embeddings: matrix, labels: Int32Array.from(rows, ({ label }) => labels.indexOf(label)) };
  };
  if (plan.train.length === 0) {
    throw new HospitalError(
      'NO_USABLE_IMAGES',
      'no image is left for training: check labels and splits of the manifest',
    );
  }
  const all = new Map(quarantined);
  for (const [code, n] of counts(plan.quarantined)) all.set(code, (all.get(code) ?? 0) + n);
  return {
    train: examples(plan.train),
    trainPatients: new Set(plan.train.map(({ patient }) => patient)).size,
    validation: examples(plan.validation),
    test: examples(plan.test),
    testPatients: numbersOf(plan.test.map(({ patient }) => patient)),
    quarantined: all,
  };
}

/** Equal numbers for equal names, in the order in which they appear. */
function numbersOf(names: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  for (const name of names) if (!numbers.has(name)) numbers.set(name, numbers.size);
  return Int32Array.from(names, (name) => numbers.get(name) as number);
}

function counts(items: readonly { readonly code: string }[]): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  for (const { code } of items) result.set(code, (result.get(code) ?? 0) + 1);
  return result;
}
