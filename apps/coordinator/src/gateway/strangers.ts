/** Connections that have not proved who they are: they may not pile up, neither from one address nor from all together. */
import type { IncomingMessage } from 'node:http';
import { limits } from '@consilium/protocol';

export class Strangers {
  readonly #byAddress = new Map<string, Set<string>>();
  readonly #addressOf = new Map<string, string>();

  /**
   * @param isBehindProxy - whatever connects is a proxy of the deployment, whose word for the address of its client is taken.
   *   Elsewhere anybody could claim a new address for each connection.
   */
  constructor(private readonly isBehindProxy: boolean) {}

  /** @returns Whether there is room. @param id - of the connection. */
  admit(id: string, request: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
    const address = this.#addressIn(request);
    const sameAddress = this.#byAddress.get(address) ?? new Set();
    if (sameAddress.size >= limits.pendingConnections) return false;
    if (this.#addressOf.size >= limits.pendingConnectionsOfAll) return false;
    this.#byAddress.set(address, sameAddress.add(id));
    this.#addressOf.set(id, address);
    return true;
  }

  /** No stranger any more: proved, or gone. */
  forget(id: string): void {
    const address = this.#addressOf.get(id);
    if (address === undefined) return;
    this.#addressOf.delete(id);
    const sameAddress = this.#byAddress.get(address);
    sameAddress?.delete(id);
    if (sameAddress?.size === 0) this.#byAddress.delete(address);
  }

  /** The last that is named is what the proxy itself saw; all before it came from its client. */
  #addressIn({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const header = headers['x-forwarded-for'];
    const named = this.isBehindProxy
      ? String(header ?? '')
          .split(',')
          .at(-1)
          ?.trim()
      : '';
    return named === undefined || named === '' ? String(socket.remoteAddress) : named;
  }
}
