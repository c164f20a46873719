/** The console as static files, compressed once and kept in memory; every answer says what a browser may do with it. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Beside this application, whether it runs from `src` or from `dist`. */
export const CONSOLE_FOLDER = fileURLToPath(new URL('../../../console/dist', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

/**
 * Neither scripts nor styles inline: what the console sets while it runs, it sets on elements by script, which this allows.
 * Nothing comes from or goes to another origin, and no page of another one may hold this one.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Consilium coordinator</title></head>
<body><main><h1>Consilium coordinator</h1>
<p>The coordinator works, but its console has not been built. In the folder of Consilium run <code>npm run build</code>,
and load this page again.</p>
<p>The commands of <code>consilium-coordinator</code> and the API under <code>/api/v1</code> need no console.</p>
</main></body></html>
`;

interface Page {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
  readonly tag: string;
}

const zip = promisify(gzip);

export type PageDoor = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** @param folder - absolute. What is in it is read when it is first asked for; a new build is seen by its index.html. */
export function consolePage(folder: string = CONSOLE_FOLDER): PageDoor {
  let pages: ReadonlyMap<string, Page> | undefined;
  let index: string | undefined;
  const load = async (): Promise<ReadonlyMap<string, Page>> => {
    const now = await readFile(join(folder, 'index.html'), 'utf8').catch(() => undefined);
    if (pages === undefined || now !== index) [pages, index] = [await readPages(folder), now];
    return pages;
  };
  return (request, response, next) => {
    const { method = '', url = '/' } = request;
    const path = url.split('?', 1)[0] ?? '/';
    // Addresses of programs, with answers of their own.
    if (/^\/(?:api|socket\.io|metrics|healthz|readyz)(?:\/|$)/.test(path)) {
      next();
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', ...SECURITY_HEADERS }).end();
      return;
    }
    load()
      .then((all) => {
        answer(request, response, path, all);
      })
      .catch(() => {
        if (!response.headersSent) response.writeHead(500, SECURITY_HEADERS);
        response.end();
      });
  };
}

function answer(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  path: string,
  pages: ReadonlyMap<string, Page>,
): void {
  // By the list of what is there: no path is ever made of what a stranger sends.
  const isRoute = extname(path) === '';
  const page = pages.get(path) ?? (isRoute ? pages.get('/index.html') : undefined);
  const security = { ...SECURITY_HEADERS, 'content-security-policy': POLICY };
  if (page === undefined) {
    const body = isRoute ? NOT_BUILT : 'not found\n';
    const type = isRoute ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
    response.writeHead(isRoute ? 200 : 404, { ...security, 'content-type': type, 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : body);
    return;
  }
  // The name of a built file has a hash of its content.
  const isFixed = path.startsWith('/assets/');
  response.setHeader('cache-control', isFixed ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('etag', page.tag);
  response.setHeader('vary', 'accept-encoding');
  for (const [name, value] of Object.entries(security)) response.setHeader(name, value);
  if (headers['if-none-match'] === page.tag) {
    response.writeHead(304).end();
    return;
  }
  const isZipped = /\bgzip\b/.test(headers['accept-encoding'] ?? '') && page.zipped.length < page.body.length;
  const body = isZipped ? page.zipped : page.body;
  response.writeHead(200, {
    'content-type': page.type,
    'content-length': body.length,
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  response.end(method === 'HEAD' ? undefined : body);
}

async function readPages(folder: string): Promise<ReadonlyMap<string, Page>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const pages = new Map<string, Page>();
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    // Neither links nor what a browser does not need, such as source maps.
    if (!entry.isFile() || type === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const body = await readFile(file);
    const tag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    pages.set(path, { type, body, zipped: await zip(body), tag });
  }
  return pages;
}
