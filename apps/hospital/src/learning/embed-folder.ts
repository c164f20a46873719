/** A folder of X-rays -> embeddings. A bad image is quarantined with its reason and stops nothing. */
import { digestBlob } from '@consilium/crypto';
import type { Backbone, EmbeddingCache, Engine } from '@consilium/backbone';
import { standardise } from '@consilium/backbone';
import { decodeImage, ImagingError, readImageFile, type ManifestRow } from '@consilium/imaging';

export interface EmbeddedImage {
  readonly row: ManifestRow;
  /** Standardised, shape (2048,). */
  readonly embedding: Float32Array;
}

export interface QuarantinedImage {
  readonly row: ManifestRow;
  readonly code: string;
}

export interface Tools {
  readonly backbone: Backbone;
  readonly cache: EmbeddingCache;
  /** Opened when the first image is not in the cache. */
  readonly engine: () => Promise<Engine>;
}

/** Images that are read and decoded while one is embedded. */
const AHEAD = 4;

type Decoded =
  | { readonly embedding: Float32Array }
  | { readonly digest: string; readonly pixels: Float32Array }
  | { readonly code: string };

export async function embedFolder(
  folder: string,
  rows: readonly ManifestRow[],
  tools: Tools,
  onProgress: (done: number, total: number) => void,
): Promise<{ embedded: EmbeddedImage[]; quarantined: QuarantinedImage[] }> {
  const embedded: EmbeddedImage[] = [];
  const quarantined: QuarantinedImage[] = [];
  const queue: Promise<Decoded>[] = [];
  for (const [index, row] of rows.entries()) {
    while (queue.length < AHEAD && index + queue.length < rows.length) {
      queue.push(decode(folder, rows[index + queue.length] as ManifestRow, tools.cache));
    }
    const decoded = await (queue.shift() as Promise<Decoded>);
    if ('code' in decoded) quarantined.push({ row, code: decoded.code });
    else embedded.push({ row, embedding: standardise(await embeddingOf(decoded, tools), 1, tools.backbone) });
    onProgress(index + 1, rows.length);
  }
  return { embedded, quarantined };
}

async function decode(folder: string, { image }: ManifestRow, cache: EmbeddingCache): Promise<Decoded> {
  try {
    const bytes = await readImageFile(folder, image);
    const digest = digestBlob(bytes);
    const embedding = await cache.get(digest);
    return embedding === undefined ? { digest, pixels: await decodeImage(bytes) } : { embedding };
  } catch (error) {
    if (error instanceof ImagingError) return { code: error.code };
    throw error;
  }
}

async function embeddingOf(
  decoded: Exclude<Decoded, { code: string }>,
  { cache, engine }: Tools,
): Promise<Float32Array> {
  if ('embedding' in decoded) return decoded.embedding;
  const embedding = await (await engine()).embed(decoded.pixels, 1);
  await cache.put(decoded.digest, embedding);
  return embedding;
}
