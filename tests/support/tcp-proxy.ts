/** A stretch of network that fails on demand: cuts what goes through it, and lets new connections through again. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Passed {
  /** Bytes that reached the coordinator's side. */
  up: number;
  down: number;
}

export class TcpProxy {
  /** One entry for each connection, in order. */
  readonly connections: Passed[] = [];
  readonly #open = new Set<() => void>();
  readonly #server: Server;
  #cut: { readonly direction: keyof Passed; readonly afterBytes: number } | undefined;

  private constructor(targetUrl: string) {
    const { hostname, port } = new URL(targetUrl);
    this.#server = createServer((near) => {
      this.#carry(near, connect(Number(port), hostname));
    });
  }

  /** @param port - 0 takes a free one. */
  static async open(targetUrl: string, port = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetUrl);
    proxy.#server.listen(port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection that is open now. */
  cut(): void {
    for (const end of this.#open) end();
  }

  /** Ends, once, the connection that has passed on so many bytes; those bytes still arrive. */
  cutOnceAfter(direction: keyof Passed, afterBytes: number): void {
    this.#cut = { direction, afterBytes };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #carry(near: Socket, far: Socket): void {
    const passed: Passed = { up: 0, down: 0 };
    this.connections.push(passed);
    const end = (): void => {
      this.#open.delete(end);
      // A half-close behind the last byte, so that what was passed on is read before the end is.
      near.end();
      far.end();
    };
    this.#open.add(end);
    const pass = (from: Socket, to: Socket, direction: keyof Passed): void => {
      from.on('data', (bytes) => {
        if (!this.#open.has(end)) return;
        passed[direction] += bytes.length;
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        if (this.#cut?.direction !== direction || passed[direction] < this.#cut.afterBytes) return;
        this.#cut = undefined;
        end();
      });
      from.on('close', end);
      // A reset is an end like any other here.
      from.on('error', end);
    };
    pass(near, far, 'up');
    pass(far, near, 'down');
  }
}

/** A port on which nothing listens now. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
