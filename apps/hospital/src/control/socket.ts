/**
 * A local door to the running node, for this user only: nothing of it can be reached over a network, and it works whatever
 * the coordinator does. Who holds it is also the only node of its home.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { HospitalError } from '../errors.js';

const words = ['status', 'stop', 'finish'] as const;
/** What a person's command asks of the coordinator while the node holds the line. It changes no key. */
const relayedSchema = z.strictObject({
  ask: z.enum(['membership', 'verify', 'revoke']),
  request: z.record(z.string(), z.unknown()),
});
export type Relayed = z.infer<typeof relayedSchema>;
export type Command = (typeof words)[number] | Relayed;

/** `sun_path` has room for 104 bytes on some systems. */
const PATH_MAX_BYTES = 100;
/** A word, or a request with one signed statement. */
const LINE_MAX = 16_384;

async function socketOf(home: string): Promise<string> {
  const folder = await realpath(home);
  const name = `consilium-hospital-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  const inside = join(folder, 'node.sock');
  return Buffer.byteLength(inside) <= PATH_MAX_BYTES ? inside : join(tmpdir(), `${name}.sock`);
}

/**
 * @param answer - its result goes back as one JSON line.
 * @returns What closes the door. @throws {@link HospitalError} `ALREADY_RUNNING`.
 */
export async function listenForCommands(
  home: string,
  answer: (command: Command) => object | Promise<object>,
): Promise<() => Promise<void>> {
  const path = await socketOf(home);
  const open = new Set<Socket>();
  const serve = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    let line = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      line += text;
      if (line.length > LINE_MAX) socket.destroy();
      if (!line.includes('\n')) return;
      const command = words.find((known) => line === `${known}\n`) ?? relayedIn(line);
      line = '';
      if (command === undefined) socket.destroy();
      else {
        Promise.resolve(answer(command)).then(
          (value) => socket.write(`${JSON.stringify(value)}\n`),
          () => socket.destroy(),
        );
      }
    });
  };
  for (let again = false; ; again = true) {
    const server = await listen(path, serve);
    if (server !== undefined) {
      return () =>
        new Promise((resolve) => {
          server.close(() => {
            resolve();
          });
          // Who asked to stop waits for its end: what was answered goes out, and then the line is closed.
          for (const socket of open) socket.destroySoon();
        });
    }
    const other = await dial(home);
    other?.destroy();
    if (again || other !== undefined) {
      throw new HospitalError('ALREADY_RUNNING', 'a node of this home is running: consilium-hospital status shows it');
    }
    // Left by a process that was killed.
    await rm(path, { force: true });
  }
}

function relayedIn(line: string): Relayed | undefined {
  try {
    return relayedSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** @returns undefined when no node of this home is running. */
export async function dial(home: string): Promise<Socket | undefined> {
  const socket = connect(await socketOf(home));
  return new Promise((resolve) => {
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('error', () => {
      resolve(undefined);
    });
  });
}

/** @returns The answer, or undefined when the node went away, or did not answer in time. */
export function tell(socket: Socket, command: Command | object, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => {
      resolve(undefined);
    }, timeoutMs);
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (!text.endsWith('\n')) return;
      clearTimeout(timer);
      resolve(JSON.parse(text));
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    socket.on('error', () => socket.destroy());
    socket.write(`${typeof command === 'string' ? command : JSON.stringify(command)}\n`);
  });
}

function listen(path: string, serve: (socket: Socket) => void): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(serve);
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // The socket is made within the call: nobody else can open it, not even for a moment.
    const before = process.umask(0o177);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
    process.umask(before);
  });
}
