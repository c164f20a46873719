/** A folder of X-rays -> embeddings. A bad image is quarantined with its reason and stops nothing. */
import { digestBlob } from '@consilium/crypto';
import type { Backbone, EmbeddingCache, Engine } from '@consilium/backbone';
import { standardise } from '@consilium/backbone';
import { ImagingError, readImageFile, type DatasetRow, type DecoderPool, type Examination } from '@consilium/imaging';
import type { ExaminationStore } from './examination-store.js';

export interface EmbeddedImage {
  readonly row: DatasetRow;
  /** Standardised, shape (2048,). */
  readonly embedding: Float32Array;
}

export interface ExaminedImage extends EmbeddedImage {
  /** Of the file, in hex. */
  readonly sha256: string;
  readonly examination: Examination;
}

export interface QuarantinedImage {
  readonly row: DatasetRow;
  readonly code: string;
}

export interface EmbeddedFolder {
  readonly embedded: readonly ExaminedImage[];
  readonly quarantined: readonly QuarantinedImage[];
}

export interface Tools {
  readonly backbone: Backbone;
  readonly cache: EmbeddingCache;
  readonly examinations: ExaminationStore;
  readonly decoders: Pick<DecoderPool, 'capacity' | 'decode'>;
  /** Opened when the first image is not in the cache. */
  readonly engine: () => Promise<Engine>;
}

type Prepared =
  | { readonly sha256: string; readonly examination: Examination; readonly embedding: Float32Array }
  | { readonly sha256: string; readonly examination: Examination; readonly pixels: Float32Array }
  | { readonly code: string };

/** Images that wait for the engine, so that it never waits for one; each has 200 kB. */
const WAITING = 2;

/** In the order of `rows`. Files are read and decoded ahead of the engine, as many as the decoders have room for. */
export async function embedFolder(
  folder: string,
  rows: readonly DatasetRow[],
  tools: Tools,
  onProgress: (done: number, total: number) => void,
): Promise<EmbeddedFolder> {
  const embedded: ExaminedImage[] = [];
  const quarantined: QuarantinedImage[] = [];
  const ahead: Promise<ExaminedImage | QuarantinedImage>[] = [];
  for (const index of rows.keys()) {
    while (ahead.length < tools.decoders.capacity + WAITING && index + ahead.length < rows.length) {
      const embedding = embed(folder, rows[index + ahead.length] as DatasetRow, tools);
      // It is awaited in its turn; until then a failure must not count as unhandled.
      embedding.catch(() => undefined);
      ahead.push(embedding);
    }
    const image = await (ahead.shift() as (typeof ahead)[number]);
    if ('code' in image) quarantined.push(image);
    else embedded.push(image);
    onProgress(index + 1, rows.length);
  }
  return { embedded, quarantined };
}

async function embed(folder: string, row: DatasetRow, tools: Tools): Promise<ExaminedImage | QuarantinedImage> {
  const prepared = await prepare(folder, row, tools);
  if ('code' in prepared) return { row, code: prepared.code };
  const { sha256, examination } = prepared;
  return { row, sha256, examination, embedding: standardise(await embeddingOf(prepared, tools), 1, tools.backbone) };
}

async function prepare(folder: string, { image, label }: DatasetRow, tools: Tools): Promise<Prepared> {
  if (label === undefined) return { code: 'UNLABELLED' };
  const { cache, examinations, decoders } = tools;
  try {
    const bytes = await readImageFile(folder, image);
    const sha256 = digestBlob(bytes);
    const [embedding, known] = await Promise.all([cache.get(sha256), examinations.get(sha256)]);
    if (known?.refusal !== undefined) return { code: known.refusal.code };
    if (embedding !== undefined && known !== undefined) return { sha256, examination: known, embedding };
    const { image: decoded, examination } = await decoders.decode(bytes);
    if (known === undefined) await examinations.put(sha256, examination);
    if (examination.refusal !== undefined) return { code: examination.refusal.code };
    return embedding === undefined
      ? { sha256, examination, pixels: decoded.pixels }
      : { sha256, examination, embedding };
  } catch (error) {
    if (error instanceof ImagingError) return { code: error.code };
    throw error;
  }
}

async function embeddingOf(
  prepared: Exclude<Prepared, { code: string }>,
  { cache, engine }: Tools,
): Promise<Float32Array> {
  if ('embedding' in prepared) return prepared.embedding;
  const embedding = await (await engine()).embed(prepared.pixels, 1);
  await cache.put(prepared.sha256, embedding);
  return embedding;
}
