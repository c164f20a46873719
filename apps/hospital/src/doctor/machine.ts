/** Node, disk and memory. */
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { type Check, fail, ok, warn } from './finding.js';

/** As `engines` in package.json: 20.19 and later 20, 22.12 and later 22, and everything from 24. */
export function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
}

export const nodeVersion: Check = () => {
  const { version } = process;
  const supported = isSupportedNode(version);
  const fix = 'install Node.js 20.19, 22.12 or 24, or a later version of these';
  return Promise.resolve([supported ? ok('node', version) : fail('node', `${version} is not supported`, fix)]);
};

const GB = 1e9;
const gigabytes = (bytes: number): string => `${(bytes / GB).toFixed(1)} GB`;

/** 10,000 cached embeddings are 0.12 GB, a run's results a few megabytes; below the second figure writing is at risk. */
const DISK_WARN_BYTES = 5 * GB;
const DISK_FAIL_BYTES = 0.5 * GB;

/** The first folder above that is there: what will be made lies on its disk. */
async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if (dirname(path) === path) throw error;
    return freeBytes(dirname(path));
  }
}

export const diskFree: Check = async ({ home, config }) => {
  const free = Math.min(await freeBytes(home), await freeBytes(config?.cache ?? home));
  const detail = `${gigabytes(free)} free for results and cache`;
  const fix = 'free some space, or shrink the cache: consilium-hospital cache gc --max-gb 1';
  if (free < DISK_FAIL_BYTES) return [fail('disk', detail, fix)];
  return [free < DISK_WARN_BYTES ? warn('disk', detail, fix) : ok('disk', detail)];
};

/** Weights, their copy in the engine and decoded images take about 1 GB while embeddings are made. */
const MEMORY_WARN_BYTES = 4 * GB;
const MEMORY_FAIL_BYTES = 1.5 * GB;

/** A container's limit counts, not what the machine below it has. */
export const memory: Check = () => {
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const detail = `${gigabytes(total)} for this process`;
  const fix = 'give the hospital node 4 GB';
  if (total < MEMORY_FAIL_BYTES) return Promise.resolve([fail('memory', detail, fix)]);
  return Promise.resolve([total < MEMORY_WARN_BYTES ? warn('memory', detail, fix) : ok('memory', detail)]);
};
