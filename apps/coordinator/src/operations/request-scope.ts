/** Which request the present work is done for: an id from the socket or the API down to the line in the log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const scope = new AsyncLocalStorage<string>();

/** Does the work as one request, under a new id of 8 hex digits. */
export const inRequest = <T>(work: (requestId: string) => T): T => {
  const requestId = randomBytes(4).toString('hex');
  return scope.run(requestId, () => work(requestId));
};

/** undefined for what the coordinator does by itself. */
export const currentRequest = (): string | undefined => scope.getStore();
