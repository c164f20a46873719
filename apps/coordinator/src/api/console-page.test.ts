/**
 * Claims: the console's files are served under a policy without inline scripts and styles; built files may be kept for ever, the page
 * and the API never without asking; what is not there says so, and no path leads out of the folder; without a build a page
 * says how to make one. Oracle: a folder made by this test, and the headers as they arrive.
 */
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consolePage } from './console-page.js';

let folder: string;
let server: Server;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-page-'));
  await writeFile(join(folder, 'secret.txt'), 'planted');
  server = createServer((request, response) => {
    const dist = request.headers['x-folder'] === 'none' ? 'missing' : 'dist';
    consolePage(join(folder, dist))(request, response, () => response.writeHead(418).end());
  });
  await mkdir(join(folder, 'dist', 'assets'), { recursive: true });
  await writeFile(join(folder, 'dist', 'index.html'), '<!doctype html><title>console</title>');
  await writeFile(join(folder, 'dist', 'assets', 'main-abc.js'), `export const a = '${'x'.repeat(5_000)}';`);
  await writeFile(join(folder, 'dist', 'assets', 'main-abc.js.map'), '{}');
  await symlink(join(folder, 'secret.txt'), join(folder, 'dist', 'linked.txt'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** As a path is written: `fetch` would tidy it. */
const raw = (path: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    httpRequest(url, { path }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
    })
      .on('error', reject)
      .end();
  });

describe('the console', () => {
  it.each(['/', '/runs/first', '/hospitals?x=1'])('%s is the page, under a strict policy', async (path) => {
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<title>console</title>');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).not.toMatch(/unsafe|data:|blob:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('keeps built files for ever, compressed', async () => {
    const response = await fetch(`${url}/assets/main-abc.js`, { headers: { 'accept-encoding': 'gzip' } });
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await response.text()).toContain('x'.repeat(5_000));
    const tag = response.headers.get('etag') ?? '';
    expect((await fetch(`${url}/assets/main-abc.js`, { headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '//etc/passwd.txt',
    '/linked.txt',
    '/assets/main-abc.js.map',
    '/assets/none.js',
  ])('%s is not there', async (path) => {
    const { status, body } = await raw(path);
    expect(status).toBe(404);
    expect(body).not.toContain('planted');
  });

  it('leaves the API alone, and takes nothing', async () => {
    expect((await fetch(`${url}/api/v1/runs`)).status).toBe(418);
    expect((await fetch(`${url}/metrics`)).status).toBe(418);
    expect((await fetch(`${url}/`, { method: 'POST' })).status).toBe(405);
  });

  it('says how to build it', async () => {
    const response = await fetch(url, { headers: { 'x-folder': 'none' } });
    expect(await response.text()).toContain('npm run build');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});
