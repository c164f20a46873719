/** What this machine's loopback carries: the limit of everything that is measured over it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

const MIB = 256;

/** One TCP connection, both ends in this process. */
export async function loopbackMiBPerSecond(): Promise<number> {
  let receivedBytes = 0;
  const server = createServer((socket) => {
    socket.on('data', ({ length }) => (receivedBytes += length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sender = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(sender, 'connect');
  const piece = Buffer.alloc(1_048_576, 1);
  const startedMs = performance.now();
  for (let sent = 0; sent < MIB; sent++) if (!sender.write(piece)) await once(sender, 'drain');
  while (receivedBytes < MIB * piece.length) await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - startedMs) / 1_000;
  sender.destroy();
  server.close();
  return MIB / seconds;
}
