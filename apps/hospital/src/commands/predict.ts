/** `consilium-hospital predict`: what a released model says about files of this hospital. Nothing leaves. */
import { setDecoderThreads } from '@consilium/imaging';
import { imagesAt, type ImageList } from '../release/image-list.js';
import { NewFolder, PRIVATE } from '../release/new-folder.js';
import { openRelease, type OpenedRelease } from '../release/opened.js';
import { PICTURES_MAX, predictionsPage, type PageEntry } from '../release/page.js';
import { heatPicture } from '../release/picture.js';
import { predictAll, type Prediction } from '../release/prediction.js';
import { predictionsCsv } from '../release/table.js';

export interface PredictRequest {
  /** One file, or a folder with everything in it. */
  readonly path: string;
  readonly release: string;
  /** For predictions.csv, index.html and heatmaps/; none of them without it. */
  readonly out?: string;
  readonly threads: number;
}

export interface PredictResult {
  readonly predictions: readonly Prediction[];
  readonly isFolder: boolean;
  /** Where tables and pictures are, if they were asked for. */
  readonly folder?: string;
}

/**
 * @param onPrediction - for each file, in order.
 * @throws {@link HospitalError} for the release, the path or the folder to be written; then nothing is left behind.
 */
export async function predictFiles(
  { path, release: releaseFolder, out, threads }: PredictRequest,
  onPrediction: (prediction: Prediction, done: number, total: number) => void,
): Promise<PredictResult> {
  const images = await imagesAt(path);
  const target = out === undefined ? undefined : await NewFolder.at(out, PRIVATE);
  try {
    const release = await openRelease(releaseFolder, threads);
    setDecoderThreads(1);
    const entries: PageEntry[] = [];
    try {
      for await (const entry of answers(release, images, target)) {
        entries.push(entry);
        onPrediction(entry.prediction, entries.length, images.names.length);
      }
    } finally {
      await release.model.close();
    }
    const result = { predictions: entries.map(({ prediction }) => prediction), isFolder: images.isFolder };
    if (target === undefined) return result;
    await target.write('predictions.csv', predictionsCsv(release.card.study.labels, entries));
    await target.write('index.html', predictionsPage(release.card, entries));
    return { ...result, folder: await target.keep() };
  } finally {
    await target?.discard();
  }
}

/** Draws and writes each picture before the next file is classified. */
async function* answers(
  release: OpenedRelease,
  images: ImageList,
  target: NewFolder | undefined,
): AsyncGenerator<PageEntry> {
  const names = new PictureNames();
  for await (const { prediction, evidence } of predictAll(release, images)) {
    if (target === undefined || evidence === undefined) {
      yield { prediction };
      continue;
    }
    const { png, jpeg } = await heatPicture(evidence);
    const picture = names.nameFor(prediction.file);
    await target.write(picture, png);
    yield { prediction, picture, ...(names.size <= PICTURES_MAX && { jpeg }) };
  }
}

const NAME_LENGTH_MAX = 100;

/** One picture for each file, under names that every file system takes: `a/b c.dcm` becomes `heatmaps/a_b_c.dcm.png`. */
class PictureNames {
  readonly #taken = new Set<string>();

  get size(): number {
    return this.#taken.size;
  }

  nameFor(file: string): string {
    const stem = file.replace(/[^A-Za-z0-9.-]+/g, '_').slice(-NAME_LENGTH_MAX);
    let name = stem;
    // Some file systems hold `A.png` and `a.png` for one.
    for (let k = 2; this.#taken.has(name.toLowerCase()); k++) name = `${stem}-${k}`;
    this.#taken.add(name.toLowerCase());
    return `heatmaps/${name}.png`;
  }
}
