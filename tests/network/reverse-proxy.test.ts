/**
 * Claims: the example of deploy/reverse-proxy, in a real nginx, (1) is accepted by `nginx -t`; (2) carries runs by WebSocket and by
 * plain requests, exactly; (3) speaks TLS 1.3 and nothing older; (4) does not cut an idle line after its 60 s.
 * Oracle: FedAvg in float64; nginx itself. Skipped where there is no nginx; the idle minute only in `npm run test:network`.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { unusedPort } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { httpOnlyProxy, testAuthority } from '../faults/networks.js';
import { bytesOf, partOf, SPEC } from '../faults/stage.js';

const root = join(import.meta.dirname, '..', '..');
const hasNginx = spawnSync('nginx', ['-v']).error === undefined;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-nginx-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The example with this test's paths and ports, and nothing else changed. */
async function nginxBefore(coordinatorUrl: string): Promise<{ url: string; port: number; child: ChildProcess }> {
  const port = await unusedPort();
  const certificates = join(root, 'tests', 'faults', 'certificates');
  const text = (await readFile(join(root, 'deploy', 'reverse-proxy', 'nginx.conf'), 'utf8'))
    .replaceAll('/etc/nginx/consilium.pem', join(certificates, 'server.pem'))
    .replaceAll('/etc/nginx/consilium.key', join(certificates, 'server.key'))
    .replaceAll('/run/nginx.pid', join(directory, 'nginx.pid'))
    .replaceAll(/\/var\/log\/nginx\//g, `${directory}/`)
    .replaceAll('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replaceAll('coordinator.example', 'localhost')
    .replaceAll('http://127.0.0.1:7433', coordinatorUrl);
  const file = join(directory, 'nginx.conf');
  await writeFile(file, text);
  // The user of the system's package may not enter this folder.
  const globals = process.getuid?.() === 0 ? 'user root; daemon off;' : 'daemon off;';
  execFileSync('nginx', ['-t', '-p', directory, '-c', file, '-g', globals], { stdio: 'pipe' });
  const child = spawn('nginx', ['-p', directory, '-c', file, '-g', globals], { stdio: 'ignore' });
  const url = `https://localhost:${port}`;
  for (;;) {
    if (await accepts(port, 'TLSv1.3')) return { url, port, child };
    await sleep(20);
  }
}

const accepts = (port: number, version: 'TLSv1.2' | 'TLSv1.3'): Promise<boolean> =>
  new Promise((resolve) => {
    const ca = testAuthority();
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca,
      minVersion: version,
      maxVersion: version,
    });
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

const part = partOf(0);
const FEDAVG = bytesOf(expectedHead(SPEC, [[part], [part]]));

/** @param between - what nginx passes on to instead, on the way to the coordinator. */
async function withNginx(
  changes: Parameters<typeof convene>[1],
  test: (here: Consortium, url: string, port: number) => Promise<void>,
  between?: typeof httpOnlyProxy,
): Promise<void> {
  const here = await convene(['a'], { rounds: 2, minHospitals: 1, absenceGraceSeconds: 30, ...changes });
  const other = await between?.(here.coordinator.url);
  const target = other === undefined ? here.coordinator.url : `http://127.0.0.1:${other.port}`;
  const { url, port, child } = await nginxBefore(target);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await test(here, url, port);
  } finally {
    child.kill('SIGTERM');
    await ended;
    await other?.close();
    await here.dismantle();
  }
}

describe.skipIf(!hasNginx)('the reverse proxy of deploy/ (needs nginx)', () => {
  it('carries a run by WebSocket, and speaks TLS 1.3 alone', async () => {
    await withNginx({}, async (here, url, port) => {
      expect(await accepts(port, 'TLSv1.2')).toBe(false);
      const end = await here.join('a', knownLearner(part.examples, part.update), { url, ca: testAuthority() });
      expect(end.ended === 'finished' && bytesOf(end.model)).toBe(FEDAVG);
      const read = () => readFile(join(directory, 'consilium.log'), 'utf8');
      // nginx writes the line of a connection when it has ended, which may be after the run.
      await vi.waitFor(async () => {
        expect(await read()).toContain(' 101 ');
      }, 30_000);
      const log = await read();
      // No session id of socket.io in it.
      expect(log).not.toContain('sid=');
    });
  });

  it('carries a run by plain requests', async () => {
    // Behind nginx WebSockets are refused: what it passes on are plain requests.
    await withNginx(
      {},
      async (here, url) => {
        const end = await here.join('a', knownLearner(part.examples, part.update), { url, ca: testAuthority() });
        expect(end.ended === 'finished' && bytesOf(end.model)).toBe(FEDAVG);
        expect(await readFile(join(directory, 'consilium.log'), 'utf8')).toContain('"POST /socket.io/" 200');
      },
      httpOnlyProxy,
    );
  });

  it.skipIf(process.env['CONSILIUM_NETWORK'] !== 'all')(
    'keeps an idle line for longer than its 60 s',
    { timeout: 180_000 },
    async () => {
      await withNginx({ minHospitals: 1, gatherTimeoutSeconds: 170 }, async (here, url) => {
        const slow = knownLearner(1, () => new Promise(() => undefined));
        const node = await here.node('a', slow, { url, ca: testAuthority() });
        void node.run();
        const lines = () => here.nodeProgress.filter((step) => step.event === 'line');
        await until(() => lines().length > 0);
        await sleep(75_000);
        expect(lines()).toEqual([expect.objectContaining({ state: 'connected' })]);
        node.close();
      });
    },
  );
});
