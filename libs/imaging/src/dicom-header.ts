/** What DICOM headers say about many files, without their pixels. */
import { isDicom, parseDicom, type DicomFacts } from '@consilium/dicom';
import { readFilePrefix, readImageFile } from './image-file.js';

export type HeaderFacts = Pick<DicomFacts, 'sopInstanceUid' | 'accessionNumber' | 'patientId'>;

/** Enough for most headers. A file whose header is longer is read whole. */
const PREFIX_BYTES = 64 * 1024;
/** Files that are open at once. */
const PARALLEL = 16;

function factsIn(bytes: Uint8Array): HeaderFacts | undefined {
  try {
    const { sopInstanceUid, accessionNumber, patientId } = parseDicom(bytes).facts;
    return {
      ...(sopInstanceUid ? { sopInstanceUid } : {}),
      ...(accessionNumber ? { accessionNumber } : {}),
      ...(patientId ? { patientId } : {}),
    };
  } catch {
    return undefined;
  }
}

/** What cannot be read has no facts here; decoding it says why. */
async function readHeader(folder: string, name: string): Promise<HeaderFacts | undefined> {
  try {
    const prefix = await readFilePrefix(folder, name, PREFIX_BYTES);
    if (!isDicom(prefix)) return undefined;
    return factsIn(prefix) ?? factsIn(await readImageFile(folder, name));
  } catch {
    return undefined;
  }
}

/** @returns the facts of those files that are DICOM, by name. */
export async function readHeaders(folder: string, names: readonly string[]): Promise<ReadonlyMap<string, HeaderFacts>> {
  const headers = new Map<string, HeaderFacts>();
  const queue = names.values();
  const reader = async (): Promise<void> => {
    for (const name of queue) {
      const facts = await readHeader(folder, name);
      if (facts !== undefined) headers.set(name, facts);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, reader));
  return headers;
}
