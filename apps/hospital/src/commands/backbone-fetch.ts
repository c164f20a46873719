/** `consilium-hospital backbone fetch`: weights of the catalogue, from their publisher, a mirror, or a file carried in. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HospitalError } from '../errors.js';
import type { CatalogueEntry, Digest } from './backbone-catalogue.js';
import { downloadTo, Unreachable, type Download } from './backbone-download.js';
import { agentFor } from '../network/way-out.js';

/** As the import refuses it anyway. */
const SIZE_BYTES_MAX = 512 * 1024 * 1024;

export interface FetchOptions {
  /** Certificates in PEM that are trusted instead of the system's: where a proxy of the hospital inspects TLS. */
  readonly ca?: string;
  /** The hospital's folder. */
  readonly home: string;
  /** Address before the file's name. */
  readonly mirror?: string;
  /** A file that was carried in, instead of any connection. */
  readonly from?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: Download['onProgress'];
  /** Less in tests alone. */
  readonly pauseMs?: number;
}

export interface FetchedWeights {
  readonly file: string;
  readonly digest: Digest;
  /** `pinned`: as published. `remembered`: as at the first time here. `first-use`: nothing to compare with yet. */
  readonly trust: 'pinned' | 'remembered' | 'first-use';
}

async function digestOf(file: string, algorithm: Digest['algorithm']): Promise<Digest> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return { algorithm, hex: hash.digest('hex') };
}

const rememberedFile = (home: string): string => join(home, 'downloads', 'first-use.json');

/** Hashes of the first downloads, by name. */
async function remembered(home: string): Promise<Record<string, Digest>> {
  const text = await readFile(rememberedFile(home), 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as Record<string, Digest>;
  } catch {
    throw new HospitalError(
      'WEIGHTS_REFUSED',
      `${rememberedFile(home)} is damaged: delete it if you can compare the hash by another way`,
    );
  }
}

/** @throws {@link HospitalError} `WEIGHTS_REFUSED` for another size or hash. */
async function check(file: string, entry: CatalogueEntry, home: string): Promise<FetchedWeights> {
  const { size } = await stat(file);
  if (entry.sizeBytes !== undefined && size !== entry.sizeBytes) {
    throw new HospitalError('WEIGHTS_REFUSED', `the file has ${size} bytes, ${entry.name} has ${entry.sizeBytes}`);
  }
  const known = entry.digest ?? (await remembered(home))[entry.name];
  const digest = await digestOf(file, known?.algorithm ?? 'sha256');
  if (known !== undefined && known.hex !== digest.hex) {
    const whose = entry.digest === undefined ? 'of the first download here' : 'that is published';
    throw new HospitalError(
      'WEIGHTS_REFUSED',
      `the ${digest.algorithm} is ${digest.hex}, the one ${whose} is ${known.hex}`,
    );
  }
  return { file, digest, trust: entry.digest ? 'pinned' : known ? 'remembered' : 'first-use' };
}

async function remember(entry: CatalogueEntry, { digest, trust }: FetchedWeights, home: string): Promise<void> {
  if (trust !== 'first-use') return;
  await mkdir(join(home, 'downloads'), { recursive: true });
  const text = JSON.stringify({ ...(await remembered(home)), [entry.name]: digest }, null, 2);
  await writeFile(`${rememberedFile(home)}.tmp`, `${text}\n`);
  await rename(`${rememberedFile(home)}.tmp`, rememberedFile(home));
}

/** @throws {@link HospitalError} `BAD_OPTION` for what is no address, and for one that anybody on the way could answer. */
function addressOf({ file, url, digest, name }: CatalogueEntry, mirror: string | undefined): string {
  if (mirror === undefined) return url;
  const text = `${mirror.replace(/\/+$/, '')}/${file}`;
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new HospitalError('BAD_OPTION', 'the mirror is not an address that begins with https:// or http://');
  }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(address.hostname);
  if (address.protocol === 'http:' && digest === undefined && !local) {
    throw new HospitalError('BAD_OPTION', `no hash of ${name} is published, so its mirror must be reached by https://`);
  }
  return address.href;
}

function unreachable(entry: CatalogueEntry, address: string, why: string): HospitalError {
  const size = entry.sizeBytes === undefined ? 'size not published' : `${entry.sizeBytes} bytes`;
  const hash = entry.digest === undefined ? 'no hash published' : `${entry.digest.algorithm} ${entry.digest.hex}`;
  return new HospitalError(
    'WEIGHTS_UNREACHABLE',
    `${new URL(address).host} cannot be reached (${why}). Run this again to go on where it ended, name a mirror or a ` +
      `proxy, or fetch ${entry.url} on another machine, bring the file ${entry.file} (${size}, ${hash}) here and run: ` +
      `consilium-hospital backbone fetch ${entry.name} --from ${entry.file}`,
  );
}

/**
 * @returns a file whose hash is the published one, or, where none is, that of the first time; not imported yet.
 * @throws {@link HospitalError} `WEIGHTS_UNREACHABLE` with what to bring and the command; `WEIGHTS_REFUSED` for another
 * hash or size; `FILE_MISSING`, `BAD_OPTION`.
 */
export async function fetchWeights(entry: CatalogueEntry, options: FetchOptions): Promise<FetchedWeights> {
  const { home, from, environment, ca, onProgress, pauseMs } = options;
  if (from !== undefined) {
    await stat(from).catch(() => {
      throw new HospitalError('FILE_MISSING', `cannot read ${from}`);
    });
    const carried = await check(from, entry, home);
    await remember(entry, carried, home);
    return carried;
  }
  const address = addressOf(entry, options.mirror ?? environment['CONSILIUM_WEIGHTS_MIRROR']);
  const downloads = join(home, 'downloads');
  const file = join(downloads, entry.file);
  await mkdir(downloads, { recursive: true });
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    return check(file, entry, home);

  const part = join(downloads, `${entry.name}.part`);
  try {
    await downloadTo({
      url: address,
      part,
      ...(entry.sizeBytes !== undefined && { sizeBytes: entry.sizeBytes }),
      sizeBytesMax: SIZE_BYTES_MAX,
      agentFor: (url) => agentFor(url, { environment, ...(ca !== undefined && { ca }) }),
      onProgress,
      ...(pauseMs !== undefined && { pauseMs }),
    });
  } catch (error) {
    if (error instanceof Unreachable) throw unreachable(entry, address, error.message);
    throw error;
  }
  const fetched = await check(part, entry, home).catch(async (error: unknown) => {
    await rm(part, { force: true });
    throw error;
  });
  // Remembered before it has its name: a crash in between downloads again, and compares.
  await remember(entry, fetched, home);
  await rename(part, file);
  await rm(`${part}.json`, { force: true });
  return { ...fetched, file };
}
