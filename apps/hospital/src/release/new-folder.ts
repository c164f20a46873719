/** A folder that is there whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HospitalError } from '../errors.js';

export const SUMS = 'SHA256SUMS';

export interface FolderModes {
  /** Permissions of files and folders, as for chmod. */
  readonly file: number;
  readonly folder: number;
}

/** For whoever may read the release. */
export const PUBLIC: FolderModes = { file: 0o644, folder: 0o755 };
/** Pictures of patients: for this account alone. */
export const PRIVATE: FolderModes = { file: 0o600, folder: 0o700 };

/** @throws {@link HospitalError} `TARGET_NOT_EMPTY`. */
async function refuseFull(target: string): Promise<void> {
  const entries = await readdir(target).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error) {
      if (error.code === 'ENOENT') return [];
      if (error.code === 'ENOTDIR') return [target];
    }
    throw error;
  });
  if (entries.length > 0) {
    throw new HospitalError('TARGET_NOT_EMPTY', `${target} is not an empty folder: name another one with --out`);
  }
}

export class NewFolder {
  readonly #digests = new Map<string, string>();

  private constructor(
    private readonly target: string,
    private readonly temporary: string,
    private readonly modes: FolderModes,
  ) {}

  /** @throws {@link HospitalError} `TARGET_NOT_EMPTY`, before anything is computed. */
  static async at(path: string, modes: FolderModes): Promise<NewFolder> {
    const target = resolve(path);
    await refuseFull(target);
    await mkdir(dirname(target), { recursive: true });
    const temporary = `${target}.${randomUUID()}.tmp`;
    await mkdir(temporary, { mode: modes.folder });
    return new NewFolder(target, temporary, modes);
  }

  /** @param name - our own, or one that was found by walking a folder: relative, `/`, never `..`. */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.temporary, ...name.split('/'));
    await mkdir(dirname(path), { recursive: true, mode: this.modes.folder });
    await writeFile(path, content, { flag: 'wx', flush: true, mode: this.modes.file });
    this.#digests.set(name, createHash('sha256').update(content).digest('hex'));
  }

  /** The digests of what was written so far, as `sha256sum --check` reads them. */
  async writeSums(): Promise<void> {
    const lines = [...this.#digests].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hex]) => `${hex}  ${name}\n`);
    await this.write(SUMS, lines.join(''));
  }

  /** A crash before this line leaves a folder named `.tmp`, and nothing at the target. @returns the target. */
  async keep(): Promise<string> {
    await refuseFull(this.target);
    await rmdir(this.target).catch(() => undefined);
    await rename(this.temporary, this.target);
    return this.target;
  }

  /** After {@link keep}, nothing is left to remove. */
  async discard(): Promise<void> {
    await rm(this.temporary, { recursive: true, force: true });
  }
}
