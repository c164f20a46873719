/**
 * What a hospital hands over: a folder with `manifest.csv`, or with a label table, or with one folder for each class.
 * From any of them one row for each image, sorted as the table or the names are.
 */
import { access } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { DatasetRow } from './dataset.js';
import { type HeaderFacts, readHeaders } from './dicom-header.js';
import { ImagingError } from './errors.js';
import { listFiles } from './file-list.js';
import { type LabelTable, readLabelTable } from './label-table.js';
import { MANIFEST, readManifest } from './manifest.js';

const LABELS = 'labels.csv';

export interface DatasetSource {
  /** A label table; instead of `manifest.csv` or `labels.csv` in the folder. */
  readonly labels?: string;
}

export interface Dataset {
  readonly source: 'manifest' | 'labels' | 'folders';
  /** No two have the same `image`. A row without label is an image that nobody labelled. */
  readonly rows: readonly DatasetRow[];
  /** Lines of a label table whose instance or examination no file has, from 1. */
  readonly unmatchedLines: readonly number[];
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const imageEndings = new Set(['.png', '.jpg', '.jpeg', '.tif', '.tiff', '.dcm', '.dicom']);

/** What counts as one patient: the table's word, then the file's own, then the file. */
const patientOf = (image: string, named: string | undefined, facts: HeaderFacts | undefined): string =>
  named ?? facts?.patientId ?? image;

/** The rows of the manifest in its order, then images that it does not name. */
async function fromManifest(folder: string): Promise<Dataset> {
  const listed = await readManifest(folder);
  const names = new Set(listed.map(({ image }) => image));
  // By their ending: a folder with a manifest may hold anything else.
  const others = (await listFiles(folder)).filter(
    (image) => !names.has(image) && imageEndings.has(extname(image).toLowerCase()),
  );
  const unnamed = listed.filter(({ image, patient }) => image === patient).map(({ image }) => image);
  const headers = await readHeaders(folder, [...unnamed, ...others]);
  const rows = listed.map((row) => {
    const named = row.patient === row.image ? undefined : row.patient;
    return { ...row, patient: patientOf(row.image, named, headers.get(row.image)) };
  });
  const unlabelled = others.map((image) => ({ image, patient: patientOf(image, undefined, headers.get(image)) }));
  return { source: 'manifest', rows: [...rows, ...unlabelled], unmatchedLines: [] };
}

async function fromLabels(folder: string, { byFile, byInstance, byAccession }: LabelTable): Promise<Dataset> {
  const files = await listFiles(folder);
  const headers = await readHeaders(folder, files);
  const matched = new Set<number>();
  const rows = files.map((image): DatasetRow => {
    const facts = headers.get(image);
    const entry =
      byFile.get(image) ?? byInstance.get(facts?.sopInstanceUid ?? '') ?? byAccession.get(facts?.accessionNumber ?? '');
    if (entry === undefined) return { image, patient: patientOf(image, undefined, facts) };
    matched.add(entry.line);
    return { ...entry, image, patient: patientOf(image, entry.patient, facts) };
  });
  // A named file that is not there stays a row, so that reading it gives the reason.
  const lost = [...byFile]
    .filter(([, { line }]) => !matched.has(line))
    .map(([image, entry]) => ({ ...entry, image, patient: patientOf(image, entry.patient, undefined) }));
  const unmatched = [...byInstance.values(), ...byAccession.values()].filter(({ line }) => !matched.has(line));
  const unmatchedLines = unmatched.map(({ line }) => line).sort((a, b) => a - b);
  return { source: 'labels', rows: [...rows, ...lost], unmatchedLines };
}

/** The first folder of a name is the class; a file beside the folders has none. */
async function fromFolders(folder: string): Promise<Dataset> {
  const files = await listFiles(folder);
  if (!files.some((image) => image.includes('/'))) {
    const why = `the folder has no ${MANIFEST}, no ${LABELS} and no folder for each class`;
    throw new ImagingError('MANIFEST_MISSING', why);
  }
  const headers = await readHeaders(folder, files);
  const rows = files.map((image) => {
    const slash = image.indexOf('/');
    const patient = patientOf(image, undefined, headers.get(image));
    return slash < 0 ? { image, patient } : { image, label: image.slice(0, slash), patient };
  });
  return { source: 'folders', rows, unmatchedLines: [] };
}

/**
 * Reads tables and DICOM headers, no pixels. Names are not looked up: {@link readImageFile} refuses what leads outside.
 * A patient is the table's, else the PatientID of the DICOM header, else the file: ids stay in memory.
 *
 * @param folder - trusted, from the hospital's configuration.
 * @throws {@link ImagingError} `MANIFEST_MISSING` where nothing says what the images show, `MANIFEST_COLUMN_MISSING`,
 * `MANIFEST_INVALID`, `TOO_MANY_FILES`, and the codes of a table or folder that cannot be read.
 */
export async function readDataset(folder: string, { labels }: DatasetSource = {}): Promise<Dataset> {
  if (labels !== undefined) return fromLabels(folder, await readLabelTable(labels));
  if (await exists(join(folder, MANIFEST))) return fromManifest(folder).catch(orAsLabelTable(folder));
  if (await exists(join(folder, LABELS))) return fromLabels(folder, await readLabelTable(join(folder, LABELS)));
  return fromFolders(folder);
}

/** Without the columns of a manifest it may still say which file shows what: one hospital's own folder needs no site. */
const orAsLabelTable =
  (folder: string) =>
  async (error: unknown): Promise<Dataset> => {
    if (!(error instanceof ImagingError && error.code === 'MANIFEST_COLUMN_MISSING')) throw error;
    const table = await readLabelTable(join(folder, MANIFEST)).catch((second: unknown) => {
      throw second instanceof ImagingError && second.code === error.code ? error : second;
    });
    return fromLabels(folder, table);
  };
