/**
 * Claims: (1) a connection that has not proved who it is when its time is over is cut, whatever it said meanwhile; (2) one
 * that has stays; (3) strangers are counted from their first byte on, by the address that the deployment's proxy names where
 * there is one, and in all; who is one address too many is closed, and one that leaves makes room.
 * Oracle: the clock, the limits of libs/protocol, and what the connection was told.
 */
import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Server, Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { limits } from '@consilium/protocol';
import type { Desk } from './desk.js';
import { HospitalGateway } from './hospital.gateway.js';
import { Strangers } from './strangers.js';

const HANDSHAKE_MS = 60;

class Connection {
  cutAfterMs: number | undefined;
  readonly #startMs = performance.now();
  readonly socket: Socket;

  constructor(id: string) {
    this.socket = {
      id,
      conn: { close: () => undefined },
      use: () => undefined,
      on: () => undefined,
      disconnect: () => (this.cutAfterMs ??= performance.now() - this.#startMs),
    } as unknown as Socket;
  }
}

/** @param known - lines that have proved who they are. */
function gateway(known: ReadonlySet<string> = new Set()): HospitalGateway {
  const desk = {
    handshakeMs: HANDSHAKE_MS,
    arrive: () => undefined,
    leave: () => undefined,
    hospitalOf: (id: string) => (known.has(id) ? 'north' : undefined),
    answer: () => Promise.resolve({ ok: false }),
  };
  return new HospitalGateway(desk as unknown as Desk, new Strangers(false));
}

describe('the time for the handshake', () => {
  it('ends a connection that did not use it', async () => {
    const here = gateway();
    const stranger = new Connection('1');
    here.handleConnection(stranger.socket);
    await here.hello(stranger.socket, {});
    expect(stranger.cutAfterMs).toBeUndefined();
    await setTimeout(3 * HANDSHAKE_MS);
    // Timers may fire a millisecond early.
    expect(stranger.cutAfterMs).toBeGreaterThanOrEqual(HANDSHAKE_MS - 1);
  });

  it('leaves those alone who are known', async () => {
    const here = gateway(new Set(['1']));
    const hospital = new Connection('1');
    here.handleConnection(hospital.socket);
    await setTimeout(3 * HANDSHAKE_MS);
    expect(hospital.cutAfterMs).toBeUndefined();
  });
});

/** A connection of engine.io, over which nothing was said yet. */
class Arrival extends EventEmitter {
  isOpen = true;
  readonly request;

  constructor(
    readonly id: string,
    remoteAddress: string,
    forwardedFor?: string,
  ) {
    super();
    const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
    this.request = { headers, socket: { remoteAddress } };
  }

  close(): void {
    this.isOpen = false;
    this.emit('close');
  }
}

describe('strangers', () => {
  /** @returns Whether one more is let in, from that address or from the client that the proxy names. */
  function door(isBehindProxy: boolean): (remoteAddress: string, forwardedFor?: string) => Arrival {
    const engine = new EventEmitter();
    const here = new HospitalGateway({} as Desk, new Strangers(isBehindProxy));
    here.afterInit(Object.assign(new EventEmitter(), { engine }) as unknown as Server);
    let number = 0;
    return (remoteAddress, forwardedFor) => {
      const arrival = new Arrival(String(number++), remoteAddress, forwardedFor);
      engine.emit('connection', arrival);
      return arrival;
    };
  }
  const many = (count: number, arrive: (k: number) => Arrival): Arrival[] =>
    Array.from({ length: count }, (_, k) => arrive(k));

  it('may not pile up from one address, and make room when they leave', () => {
    const arrive = door(false);
    const [first] = many(limits.pendingConnections, () => arrive('192.0.2.1'));
    expect(arrive('192.0.2.1').isOpen).toBe(false);
    // Its own claim counts for nothing.
    expect(arrive('192.0.2.1', '198.51.100.7').isOpen).toBe(false);
    expect(arrive('192.0.2.2').isOpen).toBe(true);
    first?.close();
    expect(arrive('192.0.2.1').isOpen).toBe(true);
    expect(arrive('192.0.2.1').isOpen).toBe(false);
  });

  it('behind a proxy are told apart by the address that the proxy saw', () => {
    const arrive = door(true);
    // Before the comma is what the stranger said itself, another each time.
    many(limits.pendingConnections, (k) => arrive('127.0.0.1', `198.51.100.${k}, 192.0.2.1`));
    expect(arrive('127.0.0.1', '198.51.100.99, 192.0.2.1').isOpen).toBe(false);
    expect(arrive('127.0.0.1', '192.0.2.2').isOpen).toBe(true);
  });

  it('are not more than so many from all addresses', () => {
    const arrive = door(false);
    many(limits.pendingConnectionsOfAll, (k) => arrive(`192.0.2.${Math.floor(k / 8)}`));
    expect(arrive('198.51.100.1').isOpen).toBe(false);
  });
});
