/** What stands between a hospital and the coordinator: proxies that refuse, authenticate, encrypt, or lose patience. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

const certificate = (name: string): string => readFileSync(join(import.meta.dirname, 'certificates', name), 'utf8');

/** The authority that vouches for {@link tlsTerminator}; see the README beside it. */
export const testAuthority = (): string => certificate('ca.pem');

export interface Network {
  readonly port: number;
  readonly close: () => Promise<void>;
}

async function listening(server: Server | HttpServer): Promise<Network> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Either end takes the other with it. */
function tie(near: Socket, far: Socket): void {
  near.pipe(far);
  far.pipe(near);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Ends TLS for `coordinator.test`, as a reverse proxy in front of the coordinator does. */
export function tlsTerminator(targetUrl: string): Promise<Network> {
  const server = createTlsServer({ key: certificate('server.key'), cert: certificate('server.pem') }, (near) => {
    tie(near, connect(portOf(targetUrl), '127.0.0.1'));
  });
  // A hospital that does not trust the authority ends the handshake.
  server.on('tlsClientError', () => undefined);
  return listening(server);
}

/** The proxy of a hospital: tunnels for those who have the password, wherever they ask to go, to one place. */
export async function connectProxy(
  targetPort: number,
  credentials: string,
): Promise<Network & { readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createHttpServer((_, response) => response.writeHead(405).end());
  server.on('connect', (message, near: Socket) => {
    const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
    const isKnown = message.headers['proxy-authorization'] === expected;
    asked.push(`${String(message.url)} ${isKnown ? 'with' : 'without'} the password`);
    if (!isKnown) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      return;
    }
    const far = connect(targetPort, '127.0.0.1', () => near.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    tie(near, far);
  });
  return { ...(await listening(server)), asked };
}

/** Carries HTTP, and answers 400 to whoever asks for a WebSocket. */
export async function httpOnlyProxy(targetUrl: string): Promise<Network & { readonly refused: () => number }> {
  let refused = 0;
  const server = createHttpServer((incoming, response) => {
    const { method, headers, url: path } = incoming;
    const onward = request({ host: '127.0.0.1', port: portOf(targetUrl), method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.on('upgrade', (_, near: Socket) => {
    refused += 1;
    near.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  return { ...(await listening(server)), refused: () => refused };
}

/** Cuts what has been silent for so long. */
export async function impatientProxy(
  targetUrl: string,
  idleMs: number,
): Promise<Network & { readonly cuts: () => number }> {
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(portOf(targetUrl), '127.0.0.1');
    tie(near, far);
    near.setTimeout(idleMs, () => {
      cuts += 1;
      near.destroy();
    });
  });
  return { ...(await listening(server)), cuts: () => cuts };
}
