/**
 * A stand-in for the coordinator's answers, to show the console states that take hours to reach: 200 hospitals, 10,000
 * events, everybody late. It answers by the same schemas, so it cannot drift from the real one. What protects anybody is
 * tested against the real coordinator, never here.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { CHANGED_EVENT, LIVE_NAMESPACE, type ChangedMessage } from '@consilium/operator-api';
import { Server } from 'socket.io';
import type { Scene } from './scenes.js';

/** Found by its package: this file is also run from where it is built. */
const DIST = join(dirname(createRequire(import.meta.url).resolve('@consilium/console/package.json')), 'dist');

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The strictest that the console works under; the coordinator's own may be as strict. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface StagedCoordinator {
  readonly url: string;
  /** Answers come from it: change it and {@link say} so. */
  scene: Scene;
  say(message: ChangedMessage): void;
  /** Cuts every live channel and answers nothing until {@link comeBack}. */
  goAway(): void;
  comeBack(): void;
  close(): Promise<void>;
}

export async function openStage(scene: Scene): Promise<StagedCoordinator> {
  const stage = { scene, away: false };
  const server = createServer((request, response) => {
    if (stage.away) {
      request.socket.destroy();
      return;
    }
    void answer(request, response, stage.scene);
  });
  const sockets = new Server(server);
  sockets.of(LIVE_NAMESPACE).use((_, next) => {
    next(stage.away ? new Error('away') : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get scene() {
      return stage.scene;
    },
    set scene(next) {
      stage.scene = next;
    },
    say: (message) => {
      sockets.of(LIVE_NAMESPACE).emit(CHANGED_EVENT, message);
    },
    goAway: () => {
      stage.away = true;
      sockets.disconnectSockets(true);
      server.closeAllConnections();
    },
    comeBack: () => {
      stage.away = false;
    },
    close: async () => {
      await sockets.close();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, scene: Scene): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (!url.pathname.startsWith('/api/v1/')) {
    await sendFile(url.pathname === '/' ? '/index.html' : url.pathname, response);
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const path = decodeURIComponent(url.pathname.slice('/api/v1/'.length));
  const found = scene.answer(request.method ?? 'GET', path, url.searchParams, Buffer.concat(chunks).toString());
  const [status, body] = found ?? [404, { code: 'NOT_FOUND', message: 'nothing is at this address' }];
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const body = await readFile(join(DIST, path)).catch(() => undefined);
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
  });
  response.end(body);
}
