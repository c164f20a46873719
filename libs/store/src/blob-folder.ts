/**
 * Blob bytes as files, one for each content id. No name from outside becomes part of a path. Whether a file counts is said
 * by its row alone: a file that a crash left behind is either continued or cleared away at the next opening.
 */
import { mkdir, open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobContents } from './blobs.js';
import { text, type Query } from './database.js';
import { fileError } from './file-error.js';

/** Of those written to, the oldest are closed, and opened again when they are written to again. */
const MOST_OPEN = 64;

export class BlobFolder implements BlobContents {
  /** Of blobs in the making, so that each of many small writes is one call; the last one written to is the last. */
  readonly #open = new Map<string, FileHandle>();

  private constructor(private readonly folder: string) {}

  /** Clears away what no row names: bytes of removed blobs whose removal was cut off. */
  static async open(folder: string, query: Query): Promise<BlobFolder> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Listed before the rows are read: a file begun meanwhile by another process is not in the list.
      const files = await readdir(folder);
      const named = new Set((await query('SELECT content FROM blob')).map((row) => text(row, 'content')));
      const opened = new BlobFolder(folder);
      await opened.discard(files.filter((file) => !named.has(file)));
      return opened;
    } catch (error) {
      throw fileError(error);
    }
  }

  async receivedBytes(_query: Query, content: string, known?: number): Promise<number> {
    if (known !== undefined) return known;
    try {
      return (await stat(join(this.folder, content))).size;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
      throw fileError(error);
    }
  }

  async write(_query: Query, content: string, offset: number, bytes: Uint8Array): Promise<void> {
    // Whoever writes holds the database's write lock.
    try {
      const file = await this.#writable(content, offset);
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    } catch (error) {
      await this.#close(content);
      throw fileError(error);
    }
  }

  /** A file of 0 bytes and no file are the same. */
  async #writable(content: string, offset: number): Promise<FileHandle> {
    if (offset === 0) await this.#close(content);
    const file = this.#open.get(content) ?? (await open(join(this.folder, content), offset === 0 ? 'w' : 'r+', 0o600));
    this.#open.delete(content);
    this.#open.set(content, file);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size > MOST_OPEN) await this.#close(oldest);
    return file;
  }

  async #close(content: string): Promise<void> {
    const file = this.#open.get(content);
    this.#open.delete(content);
    await file?.close();
  }

  async read(_query: Query, content: string, offset: number, out: Uint8Array): Promise<Uint8Array> {
    return this.#with(content, 'r', async (file) => {
      let done = 0;
      for (let last = -1; done < out.length && last !== 0; done += last) {
        last = (await file.read(out, done, out.length - done, offset + done)).bytesRead;
      }
      return out.subarray(0, done);
    });
  }

  async sync(content: string): Promise<void> {
    try {
      const file = this.#open.get(content);
      if (file === undefined) await this.#with(content, 'r+', (opened) => opened.sync());
      else await file.sync();
      await this.#close(content);
      await syncFolder(this.folder);
    } catch (error) {
      // After a failed fsync the kernel may call lost pages clean, and the next fsync would succeed: the bytes must go.
      await this.discard([content]);
      throw fileError(error);
    }
  }

  /** Does not reject: a file that could not be removed is cleared away at the next opening. */
  async discard(contents: readonly string[]): Promise<void> {
    for (const content of contents) {
      await this.#close(content).catch(() => undefined);
      await unlink(join(this.folder, content)).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    for (const content of this.#open.keys()) await this.#close(content).catch(() => undefined);
  }

  async #with<T>(content: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      const file = await open(join(this.folder, content), flags, 0o600);
      try {
        return await work(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw fileError(error);
    }
  }
}

/** Makes the names in a folder durable, which the fsync of a new file does not. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call for folders, and journals its directories.
  if (process.platform === 'win32') return;
  try {
    const opened = await open(folder, 'r');
    try {
      await opened.sync();
    } finally {
      await opened.close();
    }
  } catch (error) {
    throw fileError(error);
  }
}
