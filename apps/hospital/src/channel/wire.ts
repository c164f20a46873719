/** The network under the channel, behind a port: socket.io for a hospital, a simulated one for tests. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import type { RequestName } from '@consilium/protocol';
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from './back-off.js';
import { faultOf, type FaultCode } from '../network/fault.js';
import type { WayOut } from '../network/way-out.js';
import { transportOptions } from './transport.js';

/** The connection went away under a request, or the answer did not come in time. */
export class LineLost extends Error {}

export interface WireEvents {
  readonly connected: () => void;
  /** @param byServer - on purpose: the wire does not come back by itself. Nor does it after {@link Wire.disconnect}. */
  readonly disconnected: (byServer: boolean) => void;
  /** @param why - absent where the network does not say. */
  readonly unreachable: (why?: FaultCode) => void;
  /** @param input - peer-controlled. */
  readonly statement: (input: unknown) => void;
}

export interface Wire {
  /** Everything handed to the network, socket.io frames included; WebSocket and TCP headers are not. */
  readonly sentBytes: number;
  /** Comes up as soon as it can, and again after every loss, with growing pauses. Without effect on one that is up. */
  connect(): void;
  disconnect(): void;
  /** @returns The answer, peer-controlled. @throws {@link LineLost} */
  ask(name: RequestName, request: object): Promise<unknown>;
}

export interface Network {
  readonly wire: (url: string, events: WireEvents) => Wire;
  readonly sleep: (delayMs: number) => Promise<void>;
  /** A random whole number from 0 to below its argument, for pauses; absent: they are as long as they may be. */
  readonly below?: (limit: number) => number;
}

/** The same line, over which requests go another way. */
export const askingBy = (ask: Wire['ask'], wire: Wire): Wire => ({
  get sentBytes() {
    return wire.sentBytes;
  },
  connect: () => {
    wire.connect();
  },
  disconnect: () => {
    wire.disconnect();
  },
  ask,
});

const REQUEST_TIMEOUT_MS = 30_000;

export const socketNetwork = (way: WayOut): Network => ({
  wire: (url, events) => socketWire(url, events, way),
  sleep: async (delayMs) => {
    await sleep(delayMs);
  },
  below: randomInt,
});

function socketWire(url: string, events: WireEvents, way: WayOut): Wire {
  let sentBytes = 0;
  const socket = io(url, {
    ...transportOptions(url, way),
    autoConnect: false,
    // Several lines of one process to one coordinator are several hospitals.
    forceNew: true,
    reconnectionDelay: FIRST_PAUSE_MS,
    reconnectionDelayMax: LONGEST_PAUSE_MS,
    randomizationFactor: 0.5,
  });
  socket.on('connect', () => {
    // Counted at the engine, where frames are what goes out.
    socket.io.engine.on('packetCreate', ({ data }: { data?: unknown }) => {
      if (typeof data === 'string') sentBytes += Buffer.byteLength(data);
      else if (data instanceof Uint8Array) sentBytes += data.length;
    });
    events.connected();
  });
  socket.on('disconnect', (reason) => {
    events.disconnected(reason === 'io server disconnect');
  });
  socket.on('connect_error', (error) => {
    // Something that swallows a WebSocket instead of refusing it: next time by the other transport first, and upgraded from there.
    const { opts } = socket.io;
    if (error.message === 'timeout') opts.transports?.reverse();
    events.unreachable(faultOf(error));
  });
  socket.on('statement', events.statement);
  return {
    get sentBytes() {
      return sentBytes;
    },
    connect: () => void socket.connect(),
    disconnect: () => void socket.disconnect(),
    ask: async (name, request) => {
      // socket.io would keep it for the next connection, and send it before we have proved who we are.
      if (!socket.connected) throw new LineLost();
      const answer: unknown = await socket
        .timeout(REQUEST_TIMEOUT_MS)
        .emitWithAck(name, request)
        .catch(() => {
          throw new LineLost();
        });
      return answer;
    },
  };
}
