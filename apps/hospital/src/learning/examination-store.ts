/**
 * Examinations on disk beside the embeddings: an image whose embedding is known needs no decoding, and what the gate saw
 * is needed all the same to recognise duplicates among a folder's images. Patient data like an embedding: readable by its
 * owner alone, and no name in it comes from an image's name.
 *
 * A file is JSON: the examination and the SHA-256 of the file's own name and the examination. Whatever does not match is
 * a miss and is computed anew: torn, damaged, moved to another name.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lengthPrefixed, sha256Hex, utf8 } from '@consilium/bytes';
import { GATE_VERSION, PREPROCESSING_VERSION, type Examination } from '@consilium/imaging';

/** An examination has some kilobytes. */
const LENGTH_MAX = 64 * 1024;

interface Stored {
  readonly sha256: string;
  readonly examination: Examination;
}

export class ExaminationStore {
  constructor(private readonly directory: string) {}

  /** @param imageSha256 - of the image's file. */
  async get(imageSha256: string): Promise<Examination | undefined> {
    const name = nameOf(imageSha256);
    const text = await readFile(join(this.directory, name), 'utf8').catch(() => '');
    if (text === '' || text.length > LENGTH_MAX) return undefined;
    try {
      const { sha256, examination } = JSON.parse(text) as Stored;
      return sha256 === checkOf(name, examination) ? examination : undefined;
    } catch {
      return undefined;
    }
  }

  /** Written whole and then renamed: two processes may put the same image at once. */
  async put(imageSha256: string, examination: Examination): Promise<void> {
    const name = nameOf(imageSha256);
    const stored: Stored = { sha256: checkOf(name, examination), examination };
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const temporary = join(this.directory, `${name}.${randomUUID()}.tmp`);
    try {
      await writeFile(temporary, JSON.stringify(stored), { mode: 0o600, flag: 'wx' });
      await rename(temporary, join(this.directory, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** Another gate or another preprocessing never sees these files. */
const nameOf = (imageSha256: string): string =>
  `${sha256Hex(lengthPrefixed('consilium/examination/1', GATE_VERSION, PREPROCESSING_VERSION, imageSha256))}.json`;

const checkOf = (name: string, examination: Examination): string =>
  sha256Hex(utf8(`${name}\n${JSON.stringify(examination)}`));
