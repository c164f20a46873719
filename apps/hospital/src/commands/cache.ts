/** `consilium-hospital cache ...`: how large the cache of embeddings is, and how it stays within a limit. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheUsage, collectGarbage, type CacheUsage, type Collected } from '@consilium/backbone';
import { readHospitalConfig } from '../config.js';

const BYTES_PER_GB = 1e9;

/** Of the configuration in the home folder; `cache` beside it while there is none. */
export async function cacheFolder(home: string): Promise<string> {
  const file = join(home, 'hospital.yaml');
  try {
    await access(file);
  } catch {
    return join(home, 'cache');
  }
  return (await readHospitalConfig(file)).cache;
}

export const showCache = async (home: string): Promise<CacheUsage> => cacheUsage(await cacheFolder(home));

/** @param maxGb - 10^9 bytes on the disk, 0 or more. */
export const collectCache = async (home: string, maxGb: number): Promise<Collected> =>
  collectGarbage(await cacheFolder(home), { maxBytes: Math.round(maxGb * BYTES_PER_GB) });

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function usageText({ entries, bytes, oldestUseMs, temporaries }: CacheUsage): string {
  const oldest = oldestUseMs === undefined ? '' : `, the oldest last used ${new Date(oldestUseMs).toISOString()}`;
  const underWay = temporaries === 0 ? '' : `; ${temporaries} temporary files`;
  return `${entries} entries, ${megabytes(bytes)}${oldest}${underWay}`;
}

export const collectedText = ({ removedEntries, removedTemporaries, freedBytes, left }: Collected): string =>
  `removed ${removedEntries} entries and ${removedTemporaries} temporary files, ${megabytes(freedBytes)}\nleft ${usageText(left)}`;
