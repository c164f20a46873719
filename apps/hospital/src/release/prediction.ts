/** One file -> what the model says about it, or why it says nothing. */
import { DecoderPool, ImagingError, readImageFile, type Decoded } from '@consilium/imaging';
import { noteOf, RESEARCH_USE } from './card.js';
import { heatMap, type HeatMap } from './heat-map.js';
import type { ImageList } from './image-list.js';
import type { OpenedRelease } from './opened.js';

export type Prediction =
  | {
      readonly file: string;
      readonly status: 'predicted';
      /** By label, in the order of the study; they add up to 1. */
      readonly probabilities: Readonly<Record<string, number>>;
      /** The most probable one. */
      readonly label: string;
      readonly note: string;
    }
  | { readonly file: string; readonly status: 'quarantined'; readonly reason: string; readonly note: string };

/** For the picture of one file; let go as soon as it is drawn. */
export interface Evidence {
  /** Shape (side, side), [0, 1]. */
  readonly pixels: Float32Array;
  readonly heat: HeatMap;
}

/** Files read and decoded while one is classified. */
const AHEAD = 2;

type Answer = Decoded | { readonly reason: string };

async function decode(pool: DecoderPool, folder: string, name: string): Promise<Answer> {
  try {
    const decoded = await pool.decode(await readImageFile(folder, name));
    const refusal = decoded.examination.refusal;
    return refusal === undefined ? decoded : { reason: refusal.code };
  } catch (error) {
    if (error instanceof ImagingError) return { reason: error.code };
    throw error;
  }
}

async function classify(
  { card, head, model }: OpenedRelease,
  file: string,
  { pixels }: Decoded['image'],
): Promise<[Prediction, Evidence]> {
  const outputs = await model.run(pixels);
  const { labels } = card.study;
  const best = outputs.probabilities.indexOf(Math.max(...outputs.probabilities));
  const prediction: Prediction = {
    file,
    status: 'predicted',
    probabilities: Object.fromEntries(labels.map((label, c) => [label, outputs.probabilities[c] ?? NaN])),
    label: labels[best] ?? '',
    note: noteOf(card),
  };
  return [prediction, { pixels, heat: heatMap(head, outputs, best) }];
}

/** In the order of the list; at most {@link AHEAD} + 1 files are in memory, however long it is. */
export async function* predictAll(
  release: OpenedRelease,
  { folder, names }: ImageList,
): AsyncGenerator<{ readonly prediction: Prediction; readonly evidence?: Evidence }> {
  const pool = new DecoderPool({ workers: 1 });
  const queue: Promise<Answer>[] = [];
  try {
    for (const [index, file] of names.entries()) {
      while (queue.length < AHEAD && index + queue.length < names.length) {
        const job = decode(pool, folder, names[index + queue.length] ?? '');
        // It is awaited in its turn; until then its failure is nobody's.
        job.catch(() => undefined);
        queue.push(job);
      }
      const answer = await queue.shift();
      if (answer === undefined) continue;
      if ('reason' in answer) {
        const note = `${RESEARCH_USE} The file was not classified.`;
        yield { prediction: { file, status: 'quarantined', reason: answer.reason, note } };
        continue;
      }
      const [prediction, evidence] = await classify(release, file, answer.image);
      yield { prediction, evidence };
    }
  } finally {
    await pool.close();
  }
}
