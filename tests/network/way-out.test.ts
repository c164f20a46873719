/**
 * Claims: (1) a connection is made to the pinned key and to no other, also through a proxy, also when the authority vouches for
 * the other; (2) TLS below 1.3, an unknown authority and another name end it, whatever NODE_TLS_REJECT_UNAUTHORIZED says;
 * (3) each reason has its own code, the same from a request and from the product's own line by either transport; (4) the variables
 * of a proxy count in either case, and its password is in no message; (5) where a WebSocket is swallowed, the line comes up by
 * plain requests.
 * Oracle: a second key and certificate of the same names; what the proxy was asked.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect, createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { Server as IoServer } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { agentFor, faultOf, pinOf, proxyOf, socketNetwork, type FaultCode, type WayOut } from '@consilium/hospital';
import { connectProxy, testAuthority } from '../faults/networks.js';

const certificate = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', 'faults', 'certificates', name), 'utf8');
const SERVER = { key: certificate('server.key'), cert: certificate('server.pem') };
const DER = Buffer.from(SERVER.cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
const PIN = pinOf(DER);
const OTHER_PIN = `sha256/${'A'.repeat(43)}=`;

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const answering = (options: TlsOptions = {}): Promise<number> =>
  listening(
    createTls({ ...SERVER, ...options }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    }).on('tlsClientError', () => undefined),
  );

/** @returns The status, or why there was none. */
function fetched(url: string, way: WayOut): Promise<number | FaultCode> {
  const agent = agentFor(new URL(url), { environment: {}, ...way });
  return new Promise((resolve) => {
    request(url, { agent }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', (error) => {
        resolve(faultOf(error));
      })
      .end();
  });
}

/** What the product's own line says the first time that it cannot come up. */
async function lineFault(url: string, way: WayOut): Promise<FaultCode | 'connected' | undefined> {
  return new Promise((resolve) => {
    const wire = socketNetwork({ environment: {}, ...way }).wire(url, {
      connected: () => {
        wire.disconnect();
        resolve('connected');
      },
      disconnected: () => undefined,
      statement: () => undefined,
      unreachable: (why) => {
        wire.disconnect();
        resolve(why);
      },
    });
    wire.connect();
  });
}

const ca = testAuthority();

describe('a TLS connection', () => {
  it('is made to a pinned key alone', async () => {
    const url = `https://localhost:${await answering()}`;
    expect(await fetched(url, { ca })).toBe(204);
    expect(await fetched(url, { ca, pins: [PIN] })).toBe(204);
    expect(await fetched(url, { ca, pins: [OTHER_PIN, PIN] })).toBe(204);
    expect(await fetched(url, { ca, pins: [OTHER_PIN] })).toBe('PIN_MISMATCH');
  });

  it('through a proxy is held to the same terms', async () => {
    const proxy = await connectProxy(await answering(), 'ward:s3cret');
    const environment = { https_proxy: `http://ward:s3cret@127.0.0.1:${proxy.port}` };
    const url = 'https://coordinator.test';
    expect(await fetched(url, { ca, pins: [PIN], environment })).toBe(204);
    expect(await fetched(url, { ca, pins: [OTHER_PIN], environment })).toBe('PIN_MISMATCH');
    expect(await fetched(url, { environment })).toBe('CERTIFICATE_UNTRUSTED');
    await proxy.close();
    const old = await connectProxy(await answering({ maxVersion: 'TLSv1.2' }), 'ward:s3cret');
    const onOld = { https_proxy: `http://ward:s3cret@127.0.0.1:${old.port}` };
    expect(await fetched(url, { ca, environment: onOld })).toBe('TLS_TOO_OLD');
    await old.close();
  });

  it('is not made below TLS 1.3, without the authority, or to another name, whatever the environment says', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const port = await answering();
      expect(await fetched(`https://localhost:${port}`, {})).toBe('CERTIFICATE_UNTRUSTED');
      // Made for 127.0.0.1, and for no other address.
      expect(await fetched(`https://127.0.0.2:${port}`, { ca })).toMatch(/CERTIFICATE_WRONG_NAME|NOTHING_LISTENS/);
      expect(await fetched(`https://localhost:${await answering({ maxVersion: 'TLSv1.2' })}`, { ca })).toBe(
        'TLS_TOO_OLD',
      );
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});

describe('a line that does not come up', () => {
  it('says why', async () => {
    const port = await answering();
    const url = `https://localhost:${port}`;
    expect(await lineFault(url, {})).toBe('CERTIFICATE_UNTRUSTED');
    expect(await lineFault(url, { ca, pins: [OTHER_PIN] })).toBe('PIN_MISMATCH');
    expect(await lineFault(`https://localhost:${await answering({ maxVersion: 'TLSv1.2' })}`, { ca })).toBe(
      'TLS_TOO_OLD',
    );
    expect(await lineFault('http://no-such-name.invalid', {})).toBe('NAME_UNKNOWN');
    const closed = await listening(createTcp());
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await lineFault(`http://127.0.0.1:${closed}`, {})).toBe('NOTHING_LISTENS');
    const proxy = await connectProxy(port, 'ward:s3cret');
    const through = (who: string): WayOut => ({
      ca,
      environment: { HTTPS_PROXY: `http://${who}127.0.0.1:${proxy.port}` },
    });
    expect(await lineFault('https://coordinator.test', through(''))).toBe('PROXY_WANTS_PASSWORD');
    expect(await lineFault('https://coordinator.test', through('ward:wrong@'))).toBe('PROXY_WANTS_PASSWORD');
    await proxy.close();
  });

  it('because a WebSocket is swallowed comes up by plain requests', { timeout: 90_000 }, async () => {
    const io = new IoServer();
    io.listen(0);
    const target = (io.httpServer.address() as AddressInfo).port;
    let swallowed = 0;
    // Takes the request for a WebSocket, and never answers it.
    const port = await listening(
      createTcp((near) => {
        near.once('data', (first: Buffer) => {
          if (/^upgrade:/im.test(first.toString('latin1'))) {
            swallowed += 1;
            return;
          }
          const far = connect(target, '127.0.0.1');
          far.on('error', () => near.destroy());
          near.on('close', () => far.destroy());
          far.write(first);
          near.pipe(far).pipe(near);
        });
      }),
    );
    const reasons: unknown[] = [];
    await new Promise<void>((resolve) => {
      const wire = socketNetwork({ environment: {} }).wire(`http://127.0.0.1:${port}`, {
        connected: () => {
          wire.disconnect();
          resolve();
        },
        disconnected: () => undefined,
        statement: () => undefined,
        unreachable: (why) => reasons.push(why),
      });
      wire.connect();
    });
    expect(reasons).toEqual(['NO_ANSWER']);
    expect(swallowed).toBeGreaterThan(0);
    await io.close();
  });
});

describe('the variables of a proxy', () => {
  const url = new URL('https://coordinator.example');
  it.each([
    [{ HTTPS_PROXY: 'http://a:1' }, 'http://a:1/'],
    [{ https_proxy: 'http://b:1', HTTPS_PROXY: 'http://a:1' }, 'http://b:1/'],
    [{ HTTPS_PROXY: 'http://a:1', no_proxy: 'example' }, undefined],
    [{ HTTPS_PROXY: 'http://a:1', NO_PROXY: 'elsewhere,COORDINATOR.example' }, undefined],
    [{ HTTP_PROXY: 'http://a:1' }, undefined],
    [{}, undefined],
  ])('%j', (environment, expected) => {
    expect(proxyOf(url, environment)?.href).toBe(expected);
  });

  it('that are none are named, their values are not', () => {
    for (const value of ['ward:s3cret@proxy', 'socks5://ward:s3cret@proxy', 'proxy s3cret']) {
      expect(() => proxyOf(url, { HTTPS_PROXY: value })).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION', message: expect.not.stringContaining('s3cret') as string }),
      );
    }
  });
});
