/**
 * Claims: (1) a connection that has not proved who it is when its time is over is cut, whatever it said meanwhile; (2) one
 * that has stays; (3) one that leaves early makes room among the strangers of its address.
 * Oracle: the clock, and what the socket was told.
 */
import { setTimeout } from 'node:timers/promises';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { limits } from '@consilium/protocol';
import type { Desk } from './desk.js';
import { HospitalGateway } from './hospital.gateway.js';

const HANDSHAKE_MS = 60;

class Connection {
  cutAfterMs: number | undefined;
  readonly #startMs = performance.now();
  readonly socket: Socket;

  constructor(id: string) {
    this.socket = {
      id,
      handshake: { address: '192.0.2.1' },
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
  return new HospitalGateway(desk as unknown as Desk);
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

  it('is the only time that strangers take room', () => {
    const here = gateway();
    const strangers = Array.from({ length: limits.pendingConnections }, (_, k) => new Connection(String(k)));
    for (const { socket } of strangers) here.handleConnection(socket);
    const late = new Connection('late');
    here.handleConnection(late.socket);
    expect(late.cutAfterMs).toBeDefined();
    here.handleDisconnect((strangers[0] as Connection).socket);
    const next = new Connection('next');
    here.handleConnection(next.socket);
    expect(next.cutAfterMs).toBeUndefined();
  });
});
