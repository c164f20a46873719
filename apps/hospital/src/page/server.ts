/** The hospital's page over HTTP, on loopback and nowhere else. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { HospitalError } from '../errors.js';
import { CONTENT_POLICY, documentOf } from './document.js';
import type { FactFinder } from './facts.js';
import { Guard, type Verdict } from './guard.js';
import { drawSections } from './sections.js';

/** What a person may do on the page. Each is durable when it resolves. */
export interface Wishes {
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** The node ends within a second; it may end before this resolves. */
  stop(): Promise<void>;
}

export interface PageTerms {
  readonly hospital: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly facts: FactFinder;
  readonly wishes: Wishes;
}

export interface OpenPage {
  /** With the key: for the person at this machine, and for no log. */
  readonly link: string;
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: OutgoingHttpHeaders;
}

const ASSETS: Readonly<Record<string, string>> = {
  '/page.js': 'text/javascript; charset=utf-8',
  '/page.css': 'text/css; charset=utf-8',
  '/page.svg': 'image/svg+xml',
};

const HEADERS = {
  'content-security-policy': CONTENT_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

const STATUS: Readonly<Record<Exclude<Verdict, 'allowed'>, number>> = {
  'wrong-host': 421,
  'wrong-origin': 403,
  'no-session': 401,
};

const BODY_MAX_BYTES = 1_024;
const keySchema = z.strictObject({ key: z.string().max(100) });

/** @throws {@link HospitalError} `PAGE_PORT_IN_USE`. */
export async function servePage({ hospital, port, facts, wishes }: PageTerms): Promise<OpenPage> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 16_384 });
  server.maxConnections = 64;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    throw new HospitalError('PAGE_PORT_IN_USE', `the page has no port ${port}: it is taken, or may not be used`, {
      cause: error,
    });
  });
  // It keeps no process alive.
  server.unref();
  const { port: taken } = server.address() as AddressInfo;
  const guard = new Guard(taken);
  const acts: Readonly<Record<string, () => Promise<void>>> = {
    '/pause': () => wishes.pause(),
    '/resume': () => wishes.resume(),
    '/stop': () => wishes.stop(),
  };

  async function route(request: IncomingMessage): Promise<Answer> {
    const { method = '', url: path = '', headers } = request;
    const at = guard.place(headers);
    if (at !== 'allowed') return refusal(at);
    const asset = method === 'GET' ? ASSETS[path] : undefined;
    if (asset !== undefined) return { status: 200, type: asset, body: await readAsset(path) };
    if (method === 'GET' && path === '/') {
      return { status: 200, type: 'text/html; charset=utf-8', body: documentOf(hospital) };
    }
    if (method === 'POST' && path === '/session') {
      const parsed = keySchema.safeParse(await bodyOf(request));
      const admitted = parsed.success ? guard.admit(parsed.data.key) : undefined;
      if (admitted === undefined) return refusal('no-session');
      return { ...json({ ticket: admitted.ticket }), headers: { 'set-cookie': admitted.setCookie } };
    }
    const act = method === 'POST' ? acts[path] : undefined;
    if (act === undefined && !(method === 'GET' && path === '/sections')) return text(404, 'not found');
    const verdict = guard.session(headers, act !== undefined);
    if (verdict !== 'allowed') return refusal(verdict);
    if (act !== undefined) {
      await act();
      return json({ ok: true });
    }
    const found = await facts.look();
    return json({ sections: drawSections(found), paused: found.paused, stopped: found.stopped });
  }

  server.on('request', (request, response) => {
    route(request)
      // Its reason may name a file: the page does not say it, the commands do.
      .catch(() => text(500, 'failed; consilium-hospital doctor may say why'))
      .then(({ status, type, body, headers }) => {
        response.writeHead(status, { ...HEADERS, ...headers, 'content-type': type }).end(body);
      })
      .catch(() => response.destroy());
  });
  const url = `http://127.0.0.1:${taken}/`;
  return {
    url,
    link: `${url}#key=${guard.key}`,
    close: async () => {
      server.close();
      // What was answered goes out first.
      server.closeIdleConnections();
      setTimeout(() => {
        server.closeAllConnections();
      }, 100).unref();
      await once(server, 'close');
    },
  };
}

const readAsset = (path: string): Promise<Buffer> => readFile(join(import.meta.dirname, '..', '..', 'page', path));

const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body: `${body}\n` });

const json = (value: object): Answer => ({ status: 200, type: 'application/json', body: JSON.stringify(value) });

const refusal = (verdict: Exclude<Verdict, 'allowed'>): Answer => text(STATUS[verdict], verdict);

/** @returns undefined for what is too long, or no JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > BODY_MAX_BYTES) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
