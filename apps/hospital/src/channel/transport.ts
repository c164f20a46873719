/** The way out as socket.io takes it: WebSocket, and plain HTTP requests where something on the way refuses WebSockets. */
import type { ManagerOptions } from 'socket.io-client';
import { agentFor, type WayOut } from '../network/way-out.js';

/** @throws HospitalError `BAD_OPTION` when the variable for this URL is not the address of a proxy. */
export function transportOptions(url: string, way: WayOut): Partial<ManagerOptions> {
  const agent = agentFor(new URL(url), way);
  return {
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    // The type names what browsers take; in Node the agent goes to the request as it is.
    ...(agent === undefined ? {} : { agent: agent as unknown as string }),
  };
}
