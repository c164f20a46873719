/** A TCP proxy that stores both directions: what is on the wire, as somebody on the wire would have it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface RecordedConnection {
  /** From who connected to the proxy. */
  readonly up: Buffer[];
  readonly down: Buffer[];
}

export class RecordingProxy {
  /** In the order in which they were opened. */
  readonly connections: RecordedConnection[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      const recorded: RecordedConnection = { up: [], down: [] };
      this.connections.push(recorded);
      this.#join(near, far, recorded.up);
      this.#join(far, near, recorded.down);
    });
  }

  static async open(targetUrl: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(new URL(targetUrl));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(from: Socket, to: Socket, record: Buffer[]): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      record.push(bytes);
      to.write(bytes);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
