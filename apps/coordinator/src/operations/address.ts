/** Where a coordinator listens, in the words of a URL and of a complaint. */
import { CoordinatorError } from '../errors.js';

/** One that reaches it from this machine, whichever of its addresses it listens on. */
export function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** The error of listening as what a person can act on; any other one as it is. */
export function portError(error: unknown, host: string, port: number): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error;
  return new CoordinatorError(
    'PORT_IN_USE',
    `port ${port} on ${host} is taken by another program; choose another with --port, or 0 for a free one`,
  );
}
