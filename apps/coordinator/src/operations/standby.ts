/** A coordinator that waits to lead: alive, not ready, and deaf to hospitals, who go on trying until somebody leads. */
import { createServer } from 'node:http';
import { portError } from './address.js';

/** @returns What makes room for the coordinator. @throws CoordinatorError `PORT_IN_USE`. */
export async function answerAsStandby(host: string, port: number): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const alive = request.url === '/healthz';
    const body = alive
      ? { status: 'ok' }
      : { code: 'NOT_LEADING', message: 'this coordinator waits to lead; another one does' };
    response.writeHead(alive ? 200 : 503, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    throw portError(error, host, port);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
}
