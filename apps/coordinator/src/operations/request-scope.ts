/** Which request the present work is done for: an id from the socket or the API down to the line in the log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomInt } from 'node:crypto';

const scope = new AsyncLocalStorage<string>();
// Another beginning for each process tells its requests from those of the one before; counting on costs a flood nothing.
let last = randomInt(2 ** 32);

/** Does the work as one request, under a new id of 8 hex digits. */
export const inRequest = <T>(work: (requestId: string) => T): T => {
  last = (last + 1) % 2 ** 32;
  const requestId = last.toString(16).padStart(8, '0');
  return scope.run(requestId, () => work(requestId));
};

/** undefined for what the coordinator does by itself. */
export const currentRequest = (): string | undefined => scope.getStore();
