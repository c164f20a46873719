/** `stop`: what a person wants, written down first, so that it holds whatever the running process does. */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { dial, tell } from './socket.js';
import { wish } from './standing.js';

export type Stopped = 'not-running' | 'ended' | 'killed' | 'ends-after-this-round';

/** Well below the second that a stop may take. */
const ENDED_MS = 700;

export const PID_FILE = 'node.pid';

/** @param now - else the node finishes the round that it is in. */
export async function stopNode(home: string, now: boolean): Promise<Stopped> {
  // Durable before anything else: from here on no service starts it again, also when the machine goes down now.
  await wish(home, 'stopped');
  const socket = await dial(home);
  if (socket === undefined) return 'not-running';
  try {
    if (now) return await endNow(home, socket);
    await tell(socket, 'finish', ENDED_MS);
    return 'ends-after-this-round';
  } finally {
    socket.destroy();
  }
}

async function endNow(home: string, socket: Socket): Promise<Stopped> {
  // Written by the process that holds the socket, and the socket is open: the number is still that process's.
  const pid = Number(await readFile(join(home, PID_FILE), 'utf8'));
  const closed = new Promise<'ended'>((resolve) => {
    socket.once('close', () => {
      resolve('ended');
    });
  });
  void tell(socket, 'stop', ENDED_MS);
  const late = new Promise<'late'>((resolve) => {
    setTimeout(resolve, ENDED_MS, 'late' as const);
  });
  if ((await Promise.race([closed, late])) === 'ended') return 'ended';
  process.kill(pid, 'SIGKILL');
  await closed;
  return 'killed';
}
