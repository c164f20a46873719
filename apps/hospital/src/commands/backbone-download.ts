/**
 * One file over HTTP(S), resumable: what has arrived stays in `PART` until all of it is there, and `PART.json` says which
 * version of the file it began with. The server is untrusted: it may send too much, too little, or something else.
 */
import { createWriteStream } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { HospitalError } from '../errors.js';

const REDIRECTS_MAX = 5;
const SILENCE_MAX_MS = 30_000;
/** Tries in a row that bring no byte. */
const FRUITLESS_TRIES_MAX = 3;
/** Against a server that gives a byte at a time. */
const TRIES_MAX = 100;

export interface Download {
  readonly url: string;
  readonly part: string;
  /** Exact size, where it is known. */
  readonly sizeBytes?: number;
  readonly sizeBytesMax: number;
  readonly agentFor: (url: URL) => Agent | undefined;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
  /** Pause after a try that brought no byte, times the number of tries. */
  readonly pauseMs?: number;
}

/** The other side or the way to it; trying again may help. The message is for people and names no path of the server. */
export class Unreachable extends Error {}

const refused = (why: string): HospitalError => new HospitalError('WEIGHTS_REFUSED', why);

function get(url: URL, headers: Record<string, string>, agent: Agent | undefined): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, ...(agent && { agent }) }, resolve);
    sent.setTimeout(SILENCE_MAX_MS, () => sent.destroy(new Error('no byte for 30 seconds')));
    sent.on('error', reject).end();
  });
}

/** Follows redirects, never from HTTPS to anything else. @throws {@link HospitalError} `WEIGHTS_REFUSED`. */
async function follow(
  start: string,
  headers: Record<string, string>,
  agentFor: Download['agentFor'],
): Promise<IncomingMessage> {
  let url = new URL(start);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await get(url, headers, agentFor(url));
    const { statusCode = 0 } = answer;
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return answer;
    answer.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (
      next === undefined ||
      !(next.protocol === 'https:' || (next.protocol === 'http:' && url.protocol === 'http:'))
    ) {
      throw refused('the server redirects to an address that is not HTTPS');
    }
    url = next;
  }
  throw refused(`the server redirects more than ${REDIRECTS_MAX} times`);
}

interface Version {
  readonly url: string;
  readonly etag?: string;
}

/** What is there of the same file, in bytes; what cannot be told to be the same is thrown away. */
async function resumable({ url, part }: Download): Promise<{ readonly have: number; readonly etag?: string }> {
  const have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  if (have === 0) return { have };
  try {
    const version = JSON.parse(await readFile(`${part}.json`, 'utf8')) as Version;
    // Without a strong ETag two versions could be spliced; the hash would tell, but only where one is published.
    if (version.url === url && version.etag?.startsWith('"') === true) return { have, etag: version.etag };
  } catch {
    // No record, or a torn one: the beginning may be of another file.
  }
  await rm(part, { force: true });
  return { have: 0 };
}

/** @returns the size of the whole file as this answer tells it. @throws {@link HospitalError} `WEIGHTS_REFUSED`. */
function totalOf(answer: IncomingMessage, have: number, { sizeBytes, sizeBytesMax }: Download): number | undefined {
  const length = answer.headers['content-length'];
  let total = length === undefined ? undefined : Number(length);
  if (answer.statusCode === 206) {
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? [];
    if (Number(start) !== have) throw refused('the server resumes at another place than asked');
    total = Number(size);
  }
  if (total !== undefined && sizeBytes !== undefined && total !== sizeBytes) {
    throw refused(`the server has a file of ${total} bytes, not ${sizeBytes}`);
  }
  if (total !== undefined && total > sizeBytesMax) throw refused('the file is larger than any ResNet50');
  return total ?? sizeBytes;
}

/** @throws {@link Unreachable} with what has arrived kept. {@link HospitalError} `WEIGHTS_REFUSED`. */
async function attempt(download: Download): Promise<void> {
  const { url, part, sizeBytes, sizeBytesMax, agentFor, onProgress } = download;
  const { have, etag } = await resumable(download);
  if (have > 0 && have === sizeBytes) return;
  const headers = {
    'accept-encoding': 'identity',
    ...(etag !== undefined && { range: `bytes=${have}-`, 'if-range': etag }),
  };
  const answer = await follow(url, headers, agentFor);
  if (answer.statusCode !== 200 && answer.statusCode !== 206) {
    answer.destroy();
    // 416: what is here is not a beginning of what is there.
    if (answer.statusCode === 416) await rm(part, { force: true });
    throw new Unreachable(`the server answers ${answer.statusCode ?? 0}`);
  }
  const start = answer.statusCode === 206 ? have : 0;
  let done = start;
  try {
    const total = totalOf(answer, have, download);
    const version: Version = { url, ...(answer.headers.etag !== undefined && { etag: answer.headers.etag }) };
    // Before the first byte: a crash in between leaves a record without bytes, never bytes of an unknown version.
    if (start === 0) await writeFile(`${part}.json`, JSON.stringify(version));
    const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        done += chunk.length;
        if (done > (total ?? sizeBytesMax)) throw refused('the server sends more bytes than it announced');
        yield chunk;
        onProgress(done, total);
      }
    };
    await pipeline(answer, counted, createWriteStream(part, { flags: start === 0 ? 'w' : 'a', mode: 0o600 }));
    if (total !== undefined && done !== total) throw new Unreachable('the connection ended early');
  } finally {
    answer.destroy();
  }
}

/**
 * @throws {@link HospitalError} `WEIGHTS_REFUSED` for what this server will go on doing; what has arrived is thrown away.
 * @throws {@link Unreachable} when several tries in a row bring no byte; what has arrived is kept for the next call.
 */
export async function downloadTo(download: Download): Promise<void> {
  const { part, pauseMs = 1_000 } = download;
  const size = (): Promise<number> =>
    stat(part).then(
      (found) => found.size,
      () => 0,
    );
  let fruitless = 0;
  for (let tries = 1; ; tries++) {
    const before = await size();
    try {
      await attempt(download);
      return;
    } catch (error) {
      if (error instanceof HospitalError) {
        await rm(part, { force: true });
        throw error;
      }
      fruitless = (await size()) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_TRIES_MAX || tries === TRIES_MAX)
        throw new Unreachable(reasonOf(error), { cause: error });
      await new Promise((resolve) => setTimeout(resolve, fruitless * pauseMs));
    }
  }
}

/** The system's word for it, such as ENOTFOUND; an address in the message may hold a proxy's password. */
function reasonOf(error: unknown): string {
  if (error instanceof Unreachable) return error.message;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no connection';
}
