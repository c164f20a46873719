/** Reads and examines every file of a folder, several at a time; a bad file is a reason, not an error. */
import {
  DecoderPool,
  ImagingError,
  listFiles,
  readDataset,
  readImageFile,
  type Dataset,
  type DatasetRow,
  type JudgedFile,
} from '@consilium/imaging';
import { sha256Hex } from '@consilium/bytes';

export interface Folder {
  readonly rows: readonly DatasetRow[];
  /** Lines of a label table that no file answers to. */
  readonly unmatchedLines: Dataset['unmatchedLines'];
  /** False: nothing in the folder says what its images show. */
  readonly hasLabels: boolean;
}

/** @param labels - a label table outside the folder. @param site - only rows of this site. */
export async function readFolder(folder: string, labels?: string, site?: string): Promise<Folder> {
  const { rows, unmatchedLines, hasLabels } = await readLabels(folder, labels);
  return { rows: site === undefined ? rows : rows.filter((row) => row.site === site), unmatchedLines, hasLabels };
}

async function readLabels(folder: string, labels?: string): Promise<Folder> {
  try {
    return { ...(await readDataset(folder, labels === undefined ? {} : { labels })), hasLabels: true };
  } catch (error) {
    const codes = labels === undefined ? ['MANIFEST_MISSING', 'MANIFEST_COLUMN_MISSING'] : [];
    if (!(error instanceof ImagingError && codes.includes(error.code))) throw error;
    // Without labels nothing can be learned, but which files could be read is worth knowing before labels are made.
    const rows = (await listFiles(folder)).map((image) => ({ image, patient: image }));
    return { rows, unmatchedLines: [], hasLabels: false };
  }
}

/** @returns one for each row, in their order. Its pixels are forgotten: what is kept is a few kB for each file. */
export async function examineFolder(
  folder: string,
  rows: readonly DatasetRow[],
  threads: number,
  onProgress: (done: number, total: number) => void,
): Promise<JudgedFile[]> {
  const decoders = new DecoderPool({ workers: threads });
  const files = new Array<JudgedFile>(rows.length);
  const queue = rows.entries();
  let done = 0;
  const reader = async (): Promise<void> => {
    for (const [k, row] of queue) {
      files[k] = await examineFile(folder, row, decoders);
      done += 1;
      onProgress(done, rows.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: decoders.capacity }, reader));
  } finally {
    await decoders.close();
  }
  return files;
}

async function examineFile(folder: string, row: DatasetRow, decoders: DecoderPool): Promise<JudgedFile> {
  try {
    const bytes = await readImageFile(folder, row.image);
    // Before decoding: the bytes are handed over to the thread.
    const sha256 = sha256Hex(bytes);
    const { examination } = await decoders.decode(bytes);
    return { row, sha256, examination };
  } catch (error) {
    if (error instanceof ImagingError) return { row, code: error.code };
    throw error;
  }
}
