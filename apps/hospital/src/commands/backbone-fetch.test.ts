/**
 * Claims: (1) a download that is cut goes on where it ended, with If-Range, and starts anew when the file changed; (2) a
 * wrong hash, a wrong length, too many bytes, a foreign range and endless redirects are refused and leave nothing that a
 * later call would use; (3) without a connection the error names file, size, hash and command; (4) what has no published
 * hash is remembered and compared; (5) a carried-in file is checked alike; (6) a proxy is asked with its credentials.
 * Oracle: HTTP servers of this test that count what they were asked; node:crypto.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogueEntry, type CatalogueEntry } from './backbone-catalogue.js';
import { type FetchedWeights, fetchWeights } from './backbone-fetch.js';
import { proxyOf } from '../network/proxy.js';

const content = randomBytes(300_000);
const md5 = createHash('md5').update(content).digest('hex');
const sha256 = createHash('sha256').update(content).digest('hex');
const pinned: CatalogueEntry = {
  name: 'small',
  file: 'small.h5',
  url: 'https://weights.invalid/small.h5',
  sizeBytes: content.length,
  digest: { algorithm: 'md5', hex: md5 },
  licence: 'none',
  note: 'random bytes',
};
const { name, file: fileName, url: address, licence, note } = pinned;
const unpinned: CatalogueEntry = { name, file: fileName, url: address, licence, note };

let home: string;
const servers: Server[] = [];
const asked: IncomingMessage[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fetch-'));
  asked.length = 0;
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(home, { recursive: true });
});

async function serve(answer: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** As a real server does it: ranges if the version is still the same. @param cutAfter - bytes of the first answer. */
function file(bytes: Buffer, etag: string, cutAfter?: number): RequestListener {
  let answers = 0;
  return ({ headers }, response) => {
    const start = headers['if-range'] === etag ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-length': bytes.length - start,
      ...(start > 0 && range),
    });
    if (answers++ > 0 || cutAfter === undefined) response.end(bytes.subarray(start));
    else response.write(bytes.subarray(start, start + cutAfter), () => setTimeout(() => response.destroy(), 50));
  };
}

const fetchFrom = (
  mirror: string,
  entry: CatalogueEntry = pinned,
  environment: Record<string, string> = {},
): Promise<FetchedWeights> =>
  fetchWeights(entry, { home, mirror, environment, onProgress: () => undefined, pauseMs: 1 });

const refusal = (mirror: string, entry?: CatalogueEntry): Promise<unknown> =>
  fetchFrom(mirror, entry).catch((error: unknown) => error);

describe('a download', () => {
  it('goes on after a cut where it ended', async () => {
    const { url } = await serve(file(content, '"v1"', 100_000));
    const fetched = await fetchFrom(`${url}/mirror/`);
    expect(fetched).toMatchObject({ trust: 'pinned', digest: { algorithm: 'md5', hex: md5 } });
    expect((await readFile(fetched.file)).equals(content)).toBe(true);
    expect(asked.map((request) => request.url)).toEqual(['/mirror/small.h5', '/mirror/small.h5']);
    expect(asked[1]?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"v1"' });
    expect(await readdir(join(home, 'downloads'))).toEqual(['small.h5']);
  });

  it('is not asked for again when the file is there', async () => {
    const { url } = await serve(file(content, '"v1"'));
    await fetchFrom(url);
    await fetchFrom(url);
    expect(asked).toHaveLength(1);
  });

  it('starts anew when the file changed in between', async () => {
    const { url } = await serve(file(content, '"v2"'));
    const part = join(home, 'downloads', 'small.part');
    await mkdir(join(home, 'downloads'));
    await writeFile(part, randomBytes(1000));
    await writeFile(`${part}.json`, JSON.stringify({ url: `${url}/small.h5`, etag: '"v1"' }));
    expect((await readFile((await fetchFrom(url)).file)).equals(content)).toBe(true);
    expect(asked[0]?.headers['if-range']).toBe('"v1"');
  });

  it.each<[string, RequestListener, string]>([
    ['another content', file(randomBytes(content.length), '"x"'), md5],
    ['another length', file(content.subarray(1), '"x"'), '299999'],
    [
      'more bytes than announced',
      (request, response) => {
        response.write(content);
        response.end(content);
      },
      'more bytes',
    ],
    [
      'endless redirects',
      (request, response) => {
        response.writeHead(302, { location: '/again' }).end();
      },
      'more than 5 times',
    ],
    [
      'a redirect to a file of this machine',
      (request, response) => {
        response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      },
      'not HTTPS',
    ],
    [
      'a range that nobody asked for',
      (request, response) => {
        response.writeHead(206, { 'content-range': 'bytes 5-299999/300000' }).end(content.subarray(5));
      },
      'another place',
    ],
  ])('is refused with %s', async (name, answer, words) => {
    const { url } = await serve(answer);
    expect(await refusal(url)).toMatchObject({
      code: 'WEIGHTS_REFUSED',
      message: expect.stringContaining(words) as string,
    });
    expect((await readdir(join(home, 'downloads'))).filter((entry) => !entry.endsWith('.json'))).toEqual([]);
  });

  it('says without a connection what to bring and how', async () => {
    const { url, server } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const error = await refusal(url);
    expect(error).toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    for (const part of ['small.h5', '300000 bytes', `md5 ${md5}`, 'backbone fetch small --from', pinned.url]) {
      expect((error as Error).message).toContain(part);
    }
  });
});

describe('a file whose hash nobody publishes', () => {
  it('is trusted on first use, remembered, and compared from then on', async () => {
    const { url } = await serve(file(content, '"v1"'));
    const first = await fetchFrom(url, unpinned);
    expect(first).toMatchObject({ trust: 'first-use', digest: { algorithm: 'sha256', hex: sha256 } });
    expect(await fetchFrom(url, unpinned)).toMatchObject({ trust: 'remembered' });
    await rm(first.file);
    const other = await serve(file(randomBytes(content.length), '"v2"'));
    expect(await refusal(other.url, unpinned)).toMatchObject({
      code: 'WEIGHTS_REFUSED',
      message: expect.stringContaining(sha256) as string,
    });
  });

  it('does not come from a mirror that anybody on the way could play', async () => {
    expect(await refusal('http://mirror.invalid', unpinned)).toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('a carried-in file', () => {
  it('is accepted with the published hash and refused with another', async () => {
    const from = join(home, 'carried.h5');
    const options = { home, from, environment: {}, onProgress: () => undefined };
    await writeFile(from, content);
    expect(await fetchWeights(pinned, options)).toMatchObject({ file: from, trust: 'pinned' });
    await writeFile(from, randomBytes(content.length));
    await expect(fetchWeights(pinned, options)).rejects.toMatchObject({ code: 'WEIGHTS_REFUSED' });
    await rm(from);
    await expect(fetchWeights(pinned, options)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});

describe('a proxy', () => {
  it('is asked for a tunnel, with its credentials', async () => {
    const { url } = await serve(file(content, '"v1"'));
    const tunnels: IncomingMessage[] = [];
    const proxy = await serve(() => undefined);
    proxy.server.on('connect', (request, socket) => {
      tunnels.push(request);
      const onward = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on('error', () => undefined);
    });
    const { host } = new URL(proxy.url);
    // The name exists for the proxy alone.
    const named = url.replace('127.0.0.1', 'weights.test');
    await fetchFrom(named, pinned, { HTTP_PROXY: `http://site:secret@${host}` });
    expect(tunnels.map((request) => request.url)).toEqual([new URL(named).host]);
    expect(tunnels[0]?.headers['proxy-authorization']).toBe(`Basic ${btoa('site:secret')}`);
  });

  it.each([
    ['https://weights.org/a', '', true],
    ['https://weights.org/a', 'other.org, weights.org', false],
    ['https://eu.weights.org/a', '.weights.org', false],
    ['https://notweights.org/a', 'weights.org', true],
    ['https://weights.org:8443/a', 'weights.org:443', true],
    ['https://weights.org/a', 'weights.org:443', false],
    ['https://weights.org/a', '*', false],
    ['https://weights.org/a', 'OTHER.org  Weights.ORG', false],
    ['https://127.0.0.1/a', '', false],
    ['http://weights.org/a', '', false],
  ])('for %s with NO_PROXY=%s: %s', (url, exceptions, expected) => {
    const environment = { https_proxy: 'http://proxy.invalid:3128', NO_PROXY: exceptions };
    expect(proxyOf(new URL(url), environment) !== undefined).toBe(expected);
  });

  it('whose address is none is named without it', () => {
    const open = () => proxyOf(new URL('https://weights.org'), { HTTPS_PROXY: 'secret word' });
    expect(open).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.not.stringContaining('secret') as string }),
    );
  });
});

describe('the catalogue', () => {
  it('names what it has when it lacks a name', () => {
    expect(() => catalogueEntry('resnet')).toThrow(/keras-resnet50.*onnx-resnet50-v1/);
  });
});
