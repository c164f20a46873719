/** What a hospital learns from: its embeddings, split by patient, with the labels of the study. */
import {
  EmbeddingCache,
  loadBackbone,
  openEngine,
  untrainedBackbone,
  type Backbone,
  type Engine,
} from '@consilium/backbone';
import type { Examples } from '@consilium/head';
import {
  planDataset,
  PREPROCESSING_VERSION,
  readManifest,
  setDecoderThreads,
  type ManifestRow,
} from '@consilium/imaging';
import { SeededRandom } from '@consilium/tensors';
import type { HospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { groupBy } from './group-by.js';
import { embedFolder, type EmbeddedImage } from './embed-folder.js';

export interface LocalData {
  readonly backbone: Backbone;
  readonly engineId: Engine['id'];
  readonly embedded: readonly EmbeddedImage[];
  /** Reason codes with counts. */
  readonly quarantined: ReadonlyMap<string, number>;
}

export interface Split {
  readonly train: Examples;
  readonly validation: Examples;
  readonly test: Examples;
  /** Reason codes with counts, those of {@link LocalData} included. */
  readonly quarantined: ReadonlyMap<string, number>;
}

export const openBackbone = (file: string | undefined): Promise<Backbone> =>
  file === undefined ? untrainedBackbone() : loadBackbone(file);

/** @throws {@link HospitalError} `NO_USABLE_IMAGES`; ImagingError for a manifest that cannot be used. */
export async function readLocalData(
  config: HospitalConfig,
  onProgress: (done: number, total: number) => void,
): Promise<LocalData> {
  const rows = chooseRows(await readManifest(config.data), config);
  if (rows.length === 0) {
    const where = config.site === undefined ? 'the manifest' : `the manifest for site ${config.site}`;
    throw new HospitalError('NO_USABLE_IMAGES', `${where} lists no image: nothing to learn from`);
  }
  const backbone = await openBackbone(config.backbone);
  setDecoderThreads(1);
  let opened: Promise<Engine> | undefined;
  const engine = (): Promise<Engine> => (opened ??= openEngine(backbone, { threads: config.threads }));
  const cache = new EmbeddingCache(config.cache, {
    backboneHash: backbone.hash,
    preprocessingVersion: PREPROCESSING_VERSION,
    engineId: 'onnxruntime-cpu',
    precision: 'fp32',
  });
  const { embedded, quarantined } = await embedFolder(config.data, rows, { backbone, cache, engine }, onProgress);
  if (opened !== undefined) await (await opened).close();
  if (embedded.length === 0) {
    const reasons = [...counts(quarantined)].map(([code, n]) => `${code} ${n}`).join(', ');
    throw new HospitalError('NO_USABLE_IMAGES', `none of ${rows.length} images can be used: ${reasons}`);
  }
  return { backbone, engineId: 'onnxruntime-cpu', embedded, quarantined: counts(quarantined) };
}

/** Whole patients, in a seeded order, until the limit is reached. */
function chooseRows(
  all: readonly ManifestRow[],
  { site, maxImages, splitSeed }: HospitalConfig,
): readonly ManifestRow[] {
  const rows = site === undefined ? all : all.filter((row) => row.site === site);
  if (maxImages === undefined || rows.length <= maxImages) return rows;
  const byPatient = groupBy(rows, ({ patient }) => patient);
  const chosen: ManifestRow[] = [];
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
  const embeddings = new Map(embedded.map(({ row, embedding }) => [row, embedding]));
  const plan = planDataset([...embeddings.keys()], { labels, seed: splitSeed, testShare });
  const examples = (rows: readonly ManifestRow[]): Examples => {
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
    validation: examples(plan.validation),
    test: examples(plan.test),
    quarantined: all,
  };
}

function counts(items: readonly { readonly code: string }[]): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  for (const { code } of items) result.set(code, (result.get(code) ?? 0) + 1);
  return result;
}
