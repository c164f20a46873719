/**
 * How the line leaves a hospital's network: through its proxy, trusting its own authority, and by plain HTTP requests where
 * something on the way refuses WebSockets. Identities are proved above all this: nothing here decides whom to believe.
 */
import type { ManagerOptions } from 'socket.io-client';
import { proxyAgentFor } from '../commands/backbone-proxy.js';

export interface TransportTerms {
  /** Certificates in PEM: for `https:`, these are trusted, and the system's are not. */
  readonly ca?: string;
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** @throws HospitalError `BAD_OPTION` when the variable for this URL is not the address of a proxy. */
export function transportOptions(
  url: string,
  { ca, environment = process.env }: TransportTerms,
): Partial<ManagerOptions> {
  const target = new URL(url);
  // No proxy can reach a coordinator on this very machine.
  const agent = isLoopback(target) ? undefined : proxyAgentFor(target, environment);
  return {
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    ...(ca === undefined ? {} : { ca }),
    // The type names what browsers take; in Node the agent goes to the request as it is.
    ...(agent === undefined ? {} : { agent: agent as unknown as string }),
  };
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
