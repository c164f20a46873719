/**
 * The live channel. It says that something changed, and the page asks what; after a lost connection everything is asked for
 * again, because what was said meanwhile was missed.
 */
import { CHANGED_EVENT, changedMessage, LIVE_NAMESPACE } from '@consilium/operator-api';
import type { QueryClient } from '@tanstack/react-query';
import { io } from 'socket.io-client';
import { setConnection } from './connection.js';
import { keysOf } from './keys.js';

/** Messages within this time are one reload: a round of 200 hospitals says 200 times that it changed. */
const GATHER_MS = 250;

/** @returns Ends it. */
export function followChanges(client: QueryClient): () => void {
  const socket = io(LIVE_NAMESPACE, { withCredentials: true, reconnectionDelayMax: 5_000, timeout: 5_000 });
  let gathered = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reload = (): void => {
    const keys = gathered;
    gathered = new Map();
    timer = undefined;
    for (const queryKey of keys.values()) void client.invalidateQueries({ queryKey });
  };
  socket.on('connect', () => {
    setConnection('live');
    void client.invalidateQueries();
  });
  socket.on('disconnect', (reason) => {
    setConnection('lost');
    // The server ended it, as after a sign-out in another tab: socket.io does not try again by itself.
    if (reason === 'io server disconnect') {
      void client.invalidateQueries();
      setTimeout(() => socket.connect(), 2_000);
    }
  });
  socket.on('connect_error', () => {
    setConnection('lost');
    // A refusal is not tried again by socket.io; a session that is over is found by the request.
    if (!socket.active) {
      void client.invalidateQueries({ queryKey: ['session'] });
      setTimeout(() => socket.connect(), 3_000);
    }
  });
  socket.on(CHANGED_EVENT, (message: unknown) => {
    const parsed = changedMessage.safeParse(message);
    if (!parsed.success) return;
    for (const key of keysOf(parsed.data)) gathered.set(JSON.stringify(key), key);
    timer ??= setTimeout(reload, GATHER_MS);
  });
  return () => {
    clearTimeout(timer);
    socket.removeAllListeners();
    socket.disconnect();
  };
}
