/**
 * Claims: (1) a line that takes nothing any more is cut when several MiB wait for it, at the next push, and what waited is let
 * go; (2) thousands of small packets are as much as that; (3) a line that reads gets every push. Oracle: a real socket.io server on the loopback, and a client that stops reading.
 */
import { createServer, type Server as HttpServer } from 'node:http';
import { connect, type AddressInfo, type Socket as TcpSocket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Server } from 'socket.io';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HospitalId, Pushed } from '@consilium/protocol';
import type { Desk } from './desk.js';
import { HospitalGateway } from './hospital.gateway.js';
import type { Strangers } from './strangers.js';

const NORTH = 'north' as HospitalId;
const MIB = 1 << 20;

let http: HttpServer;
let io: Server;
let clients: TcpSocket[];
beforeEach(async () => {
  clients = [];
  http = createServer();
  io = new Server(http, { serveClient: false });
  io.on('connection', (socket) => void socket.join(`hospital/${NORTH}`));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await io.close();
});

/** Connects by hand: no client library stops reading when it is asked to. @returns bytes that it has read. */
async function arrive({ reads }: { readonly reads: boolean }): Promise<() => number> {
  const client = connect((http.address() as AddressInfo).port, '127.0.0.1');
  clients.push(client);
  let readBytes = 0;
  client.on('data', (data) => (readBytes += data.length));
  client.on('error', () => undefined);
  client.write(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  // Sooner it would be lost.
  await new Promise<void>((resolve) => {
    client.on('data', (data) => {
      if (data.includes('"sid"')) resolve();
    });
  });
  const before = io.sockets.sockets.size;
  // The frame of the text "40", masked with zeros: connect to the namespace.
  client.write(Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30));
  while (io.sockets.sockets.size === before) await setTimeout(5);
  if (!reads) client.pause();
  return () => readBytes;
}

it('cuts a line that takes nothing, and no other', async () => {
  await arrive({ reads: false });
  const readBytes = await arrive({ reads: true });
  const gateway = new HospitalGateway({} as Desk, {} as Strangers);
  Object.assign(gateway, { server: io });
  const statement = { name: 'plan', envelope: { payload: 'x'.repeat(MIB) } } as unknown as Pushed;
  let pushed = 0;
  for (; io.sockets.sockets.size === 2 && pushed < 64; pushed++) {
    gateway.push([NORTH], statement);
    while (readBytes() < (pushed + 1) * MIB) await setTimeout(5);
  }
  expect(io.sockets.sockets.size).toBe(1);
  expect(io.engine.clientsCount).toBe(1);
  // What waits in our memory comes after what the two kernels hold.
  expect(pushed).toBeGreaterThan(8);
});

it('cuts a line for which thousands of small packets wait', async () => {
  await arrive({ reads: false });
  const gateway = new HospitalGateway({} as Desk, {} as Strangers);
  Object.assign(gateway, { server: io });
  const push = (bytes: number): void => {
    gateway.push([NORTH], { name: 'plan', envelope: { payload: 'x'.repeat(bytes) } } as unknown as Pushed);
  };
  const waiting = (): number =>
    [...io.sockets.sockets.values()].reduce(
      (sum, { conn }) => sum + (conn as unknown as { readonly writeBuffer: readonly unknown[] }).writeBuffer.length,
      0,
    );
  while (waiting() === 0) {
    push(MIB);
    await setTimeout(5);
  }
  for (let k = 0; k < 5_000; k++) push(10);
  expect(io.sockets.sockets.size).toBe(0);
});
