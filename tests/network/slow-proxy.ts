/** A long way: every byte takes its time, in order; it can stand still for a while, and be cut. No packet is ever lost. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export class SlowProxy {
  readonly #open = new Set<Socket>();
  readonly #server: Server;
  #stillUntilMs = 0;
  /** Connections so far. */
  connections = 0;

  private constructor(
    targetUrl: string,
    private readonly delayMs: number,
  ) {
    this.#server = createServer((near) => {
      this.connections += 1;
      const far = connect(Number(new URL(targetUrl).port), '127.0.0.1');
      void this.#carry(near, far);
      void this.#carry(far, near);
    });
  }

  /** @param delayMs - each way. */
  static async open(targetUrl: string, delayMs: number): Promise<SlowProxy> {
    const proxy = new SlowProxy(targetUrl, delayMs);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Nothing arrives for so long; nothing is closed. */
  standStill(forMs: number): void {
    this.#stillUntilMs = performance.now() + forMs;
  }

  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    this.#open.add(from);
    let turn = Promise.resolve();
    from.on('data', (bytes) => {
      const dueMs = performance.now() + this.delayMs;
      turn = turn.then(async () => {
        for (let waitMs = 1; waitMs > 0;) {
          waitMs = Math.max(dueMs, this.#stillUntilMs) - performance.now();
          if (waitMs > 0) await sleep(waitMs);
        }
        if (!to.destroyed) to.write(bytes);
      });
    });
    from.on('error', () => undefined);
    await once(from, 'close').catch(() => undefined);
    this.#open.delete(from);
    await turn;
    to.destroy();
  }
}
