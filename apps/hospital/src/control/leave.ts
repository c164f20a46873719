/** `leave`: this hospital forgets its keys and all that it computed, and says what it removed. */
import { lstat, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HospitalError } from '../errors.js';
import { isMissing } from '../durable-file.js';
import { cacheFolder, collectCache } from '../commands/cache.js';
import { dial } from './socket.js';

export interface Removed {
  /** Within the home. */
  readonly path: string;
  readonly what: string;
  readonly files: number;
  readonly bytes: number;
}

export interface LeaveReport {
  readonly removed: readonly Removed[];
  /** What lies in the home still. */
  readonly kept: readonly string[];
  readonly cacheBytes: number;
}

/** Overwritten before it is removed; a disk that copies on write may keep the old bytes, and the report says so. */
const SECRETS = ['identity.key', 'identity.key.next', 'witness.key'];
const ALWAYS: Readonly<Record<string, string>> = {
  'identity.key': 'the secret key of this hospital',
  'identity.key.next': 'a key that was to replace it',
  'witness.key': 'the secret key of its witness',
  'membership.json': 'what the coordinator last said of its membership',
  'compared-roster.json': 'the roster that was compared',
  'enrolment.json': 'its enrolment',
  'coordinator-card.json': 'the pinned coordinator',
  runs: 'what was remembered of runs, with unsent updates',
  approvals: 'approvals and configurations that waited for one',
  'node.pid': 'the number of the last process',
  'node.sock': 'its local door',
  stopped: 'the wish to be stopped',
  paused: 'the wish to be paused',
};
const WITH_ALL: Readonly<Record<string, string>> = {
  results: 'heads and figures',
  releases: 'exported models',
  'hospital.log': 'the log',
  'egress.jsonl': 'the journal of what left',
  'egress.head': 'its end',
  'policy.yaml': 'the policy',
  'hospital.yaml': 'the configuration',
};

/** @param all - results, logs, journal and configuration too. @throws {@link HospitalError} `ALREADY_RUNNING`. */
export async function leave(home: string, all: boolean): Promise<LeaveReport> {
  const socket = await dial(home).catch((error: unknown) => {
    if (isMissing(error)) throw new HospitalError('NOT_INITIALISED', 'there is no such home');
    throw error;
  });
  socket?.destroy();
  if (socket !== undefined) throw new HospitalError('ALREADY_RUNNING', 'a node of this home is running: stop it first');
  const cacheBytes = await removeCache(home);
  const rotated = (await readdir(home)).filter((name) => /^egress\.\d+-\d+\.jsonl$/.test(name));
  const targets = {
    ...ALWAYS,
    ...(all ? { ...WITH_ALL, ...Object.fromEntries(rotated.map((name) => [name, 'the journal of what left'])) } : {}),
  };
  const removed: Removed[] = [];
  for (const [path, what] of Object.entries(targets)) {
    const size = await sizeOf(join(home, path));
    if (size === undefined) continue;
    if (SECRETS.includes(path)) await overwrite(join(home, path));
    await rm(join(home, path), { recursive: true });
    removed.push({ path, what, ...size });
  }
  return { removed, kept: (await readdir(home)).sort(), cacheBytes };
}

/** One outside of the home may hold other files: only what a cache consists of is removed there. @returns Bytes freed. */
async function removeCache(home: string): Promise<number> {
  const folder = await cacheFolder(home);
  const { freedBytes } = await collectCache(home, 0);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  // Examinations are named by a digest.
  const examinations = names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name)).map((name) => join(folder, name));
  const sizes = await Promise.all(examinations.map((path) => sizeOf(path)));
  await Promise.all(examinations.map((path) => rm(path)));
  const isEmpty = (await readdir(folder).catch(() => ['gone'])).length === 0;
  if (isEmpty) await rmdir(folder);
  return freedBytes + sizes.reduce((sum, size) => sum + (size?.bytes ?? 0), 0);
}

async function sizeOf(path: string): Promise<{ files: number; bytes: number } | undefined> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return { files: 1, bytes: found.size };
  const sizes = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))));
  return {
    files: sizes.reduce((sum, size) => sum + (size?.files ?? 0), 0),
    bytes: sizes.reduce((sum, size) => sum + (size?.bytes ?? 0), 0),
  };
}

async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** For people, and for their files. */
export const leaveText = ({ removed, kept, cacheBytes }: LeaveReport): string =>
  [
    ...removed.map(({ path, what, files, bytes }) => `removed ${path}: ${what}; ${files} files, ${bytes} bytes`),
    `removed the cache of embeddings: ${cacheBytes} bytes`,
    `kept ${kept.length === 0 ? 'nothing' : kept.join(', ')}`,
    'The secret key was overwritten first; a disk that keeps old blocks, and backups, may hold a copy.',
    'Unless it was revoked before, the coordinator still lists this hospital: send it the revocation that was kept, or ask it to revoke.',
  ].join('\n');
