/**
 * Embeddings on disk, since computing one costs 2,000 times more than training on it. Embeddings are patient data: the
 * folder is readable by its owner alone, and no name in it comes from an image's name.
 *
 * A file is the embedding (float32, little-endian), then the SHA-256 of its own name and the embedding. Whatever does not
 * match is a miss and is computed anew: torn, damaged, moved to another name. Its time of modification says when it was
 * last used, to the hour: `cache-folder.ts` frees the oldest.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, lengthPrefixed } from '@consilium/bytes';
import type { EngineId, Precision } from './engine.js';

const DIGEST_BYTES = 32;
const FEATURES = 2048;
const FILE_BYTES = FEATURES * 4 + DIGEST_BYTES;
/** How exactly the last use is known; a file that is read more often is not touched again. */
const LAST_USE_STEP_MS = 3_600_000;

export interface CacheKey {
  readonly backboneHash: string;
  readonly preprocessingVersion: string;
  readonly engineId: EngineId;
  readonly precision: Precision;
}

export class EmbeddingCache {
  readonly #directory: string;
  readonly #key: CacheKey;

  /** @param key - all that an embedding depends on but the image: another value of any part never sees these files. */
  constructor(directory: string, key: CacheKey) {
    this.#directory = directory;
    this.#key = key;
  }

  /** @param imageSha256 - of the image's file. @returns shape (2048,), or undefined if it must be computed. */
  async get(imageSha256: string): Promise<Float32Array | undefined> {
    const name = this.#fileName(imageSha256);
    const bytes = await readAndTouch(join(this.#directory, name)).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const embedding = bytes.slice(0, FEATURES * 4);
    if (!equalBytes(digestOf(name, embedding), bytes.subarray(FEATURES * 4))) return undefined;
    return new Float32Array(embedding.buffer);
  }

  /**
   * Two processes may put the same image at once: each writes its own temporary, and the last rename wins with equal
   * bytes. Nothing is flushed: after a power cut a torn file reads as a miss.
   *
   * @param embedding - shape (2048,). RangeError otherwise.
   * @throws the error of the file system, so that a full disk is seen and not paid for again and again.
   */
  async put(imageSha256: string, embedding: Float32Array): Promise<void> {
    if (embedding.length !== FEATURES) throw new RangeError(`an embedding has ${FEATURES} numbers`);
    const name = this.#fileName(imageSha256);
    const bytes = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const temporary = join(this.#directory, `${name}.${randomUUID()}.tmp`);
    try {
      await writeFile(temporary, Buffer.concat([bytes, digestOf(name, bytes)]), { mode: 0o600, flag: 'wx' });
      await rename(temporary, join(this.#directory, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #fileName(imageSha256: string): string {
    const { backboneHash, preprocessingVersion, engineId, precision } = this.#key;
    const key = lengthPrefixed(
      'consilium/embedding/1',
      backboneHash,
      preprocessingVersion,
      engineId,
      precision,
      imageSha256,
    );
    return createHash('sha256').update(key).digest('hex');
  }
}

/** @returns undefined for another length: a file of any size may lie here, and none is read for its size. */
async function readAndTouch(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = await open(path);
  try {
    const { size, mtimeMs } = await file.stat();
    if (size !== FILE_BYTES) return undefined;
    const bytes = new Uint8Array(FILE_BYTES);
    const { bytesRead } = await file.read(bytes, 0, FILE_BYTES, 0);
    const now = new Date();
    if (now.getTime() - mtimeMs > LAST_USE_STEP_MS) {
      // On a disk that cannot be written the embedding is as good as ever; it only counts as older than it is.
      await file.utimes(now, now).catch(() => undefined);
    }
    return bytesRead === FILE_BYTES ? bytes : undefined;
  } finally {
    await file.close();
  }
}

const digestOf = (name: string, embedding: Uint8Array): Uint8Array =>
  createHash('sha256').update(name).update(embedding).digest();
