/**
 * One process for a home folder: two would share an identity and fight for the lead. The lock is a local socket, because
 * the kernel lets go of it however a process ends; a file with a process number would outlive a kill.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordinatorError } from './errors.js';

/** Not in the folder itself: a socket's path has room for some 100 bytes only. */
async function socketOf(directory: string): Promise<string> {
  const name = `consilium-${createHash('sha256')
    .update(await realpath(directory))
    .digest('hex')
    .slice(0, 24)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/** @returns What lets go of the folder. @throws {@link CoordinatorError} `HOME_IN_USE`. */
export async function lockHome(directory: string): Promise<() => Promise<void>> {
  const path = await socketOf(directory);
  for (let again = false; ; again = true) {
    const server = await listen(path);
    if (server !== undefined) {
      return () =>
        new Promise((resolve) => {
          server.close(() => {
            resolve();
          });
        });
    }
    if (again || (await isAlive(path))) {
      throw new CoordinatorError('HOME_IN_USE', `another coordinator works in ${directory}; stop it first`);
    }
    // Left by a process that was killed.
    await rm(path, { force: true });
  }
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
