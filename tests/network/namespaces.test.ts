/**
 * Claims, in network namespaces with no way past the proxy: (1) through a real squid or tinyproxy with a password, and a real nginx
 * with TLS 1.3 and a pinned key, a real hospital finishes its run, and all its connections go to the proxy; (2) without the
 * variable, or without the password, it does not, and `doctor` says why; (3) so does it where the line is slow (`tc` tbf), and where
 * it delays and loses (`tc` netem).
 * Oracle: the sockets of the process; the log of nginx. Needs root, ip, nginx and the proxies of apt; `npm run test:network` says
 * so, a plain `npm test` skips it.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { untrainedBackbone } from '@consilium/backbone';
import { openHome } from '@consilium/coordinator';
import { pinOf } from '@consilium/hospital';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { PROGRAMS } from '../support/programs.js';
import { tcpSocketsOf } from '../support/sockets.js';
import { writeCleanFolder } from '../support/xray-folder.js';
import { joinAll } from '../support/members.js';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const root = join(import.meta.dirname, '..', '..');
const certificates = join(root, 'tests', 'faults', 'certificates');
const PREFIX = `cs${process.pid}`;
const PROXY = '10.77.1.1:3128';
const PASSWORD = 'ward:s3cret';

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).error === undefined;
const script = (what: 'up' | 'down') =>
  spawnSync('sh', [join(import.meta.dirname, 'hospital-network.sh'), what, PREFIX]);

/** Why none of it can be tried here; undefined where it can. */
function obstacle(): string | undefined {
  if (process.env['CONSILIUM_NETWORK'] !== 'all') return 'npm run test:network';
  if (process.getuid?.() !== 0) return 'root';
  for (const program of ['ip', 'nginx', 'openssl']) if (!has(program, '-V')) return program;
  const made = script('up');
  script('down');
  return made.status === 0 ? undefined : `namespaces and veth (${String(made.stderr).trim()})`;
}
const missing = obstacle();

let directory: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  if (missing !== undefined) return;
  directory = await mkdtemp(join(tmpdir(), 'consilium-netns-'));
  // Proxies and nginx give up their rights, and must still reach their files.
  await chmod(directory, 0o755);
  await writeCleanFolder(join(directory, 'images'), ['a'], 12);
  await writeFile(join(directory, 'hosts'), '127.0.0.1 localhost\n10.77.2.2 coordinator.test\n');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  if (missing === undefined) script('down');
});
afterAll(async () => {
  if (missing === undefined) await rm(directory, { recursive: true, force: true });
});

interface Output {
  text: string;
  status: number | null | undefined;
}

/** A program in one of the namespaces; with names of its own where `hosts` says so. */
function inside(
  where: string,
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; output: Output } {
  const hosts = `mount --bind ${directory}/hosts /etc/hosts && exec "$@"`;
  const wrapped = where === 'proxy' ? ['unshare', '-m', 'sh', '-c', hosts, 'sh', ...args] : args;
  const clean = {
    ...process.env,
    HTTPS_PROXY: undefined,
    https_proxy: undefined,
    NO_PROXY: undefined,
    no_proxy: undefined,
  };
  const child = spawn('ip', ['netns', 'exec', `${PREFIX}-${where}`, ...wrapped], {
    env: { ...clean, ...env },
    cwd: directory,
  });
  children.push(child);
  const output: Output = { text: '', status: undefined };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (output.text += bytes.toString()));
  child.on('close', (status) => (output.status = status));
  return { child, output };
}

async function listening(where: string, port: number): Promise<void> {
  for (;;) {
    const { stdout } = spawnSync('ip', [
      'netns',
      'exec',
      `${PREFIX}-${where}`,
      'cat',
      '/proc/net/tcp',
      '/proc/net/tcp6',
    ]);
    if (new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0A`).test(String(stdout))) return;
    await sleep(50);
  }
}

const PROXIES = {
  squid: async (): Promise<string[]> => {
    const hash = execFileSync('openssl', ['passwd', '-apr1', 's3cret']).toString().trim();
    await writeFile(join(directory, 'passwords'), `ward:${hash}\n`);
    const helper = ['/usr/lib/squid/basic_ncsa_auth', '/usr/lib64/squid/basic_ncsa_auth'].find((path) => has(path));
    const lines = [
      `http_port ${PROXY}`,
      `pid_filename ${directory}/squid.pid`,
      ...['access_log none', 'cache_log /dev/null', 'cache deny all', 'shutdown_lifetime 0 seconds'],
      `auth_param basic program ${String(helper)} ${directory}/passwords`,
      ...[
        'acl known proxy_auth REQUIRED',
        'acl web port 443',
        'http_access allow CONNECT known web',
        'http_access deny all',
      ],
    ];
    await writeFile(join(directory, 'squid.conf'), `${lines.join('\n')}\n`);
    return ['squid', '-N', '-f', join(directory, 'squid.conf')];
  },
  tinyproxy: async (): Promise<string[]> => {
    const lines = [
      'Port 3128',
      'Listen 10.77.1.1',
      'Timeout 600',
      'MaxClients 50',
      'BasicAuth ward s3cret',
      'ConnectPort 443',
    ];
    await writeFile(join(directory, 'tinyproxy.conf'), `${lines.join('\n')}\n`);
    return ['tinyproxy', '-d', '-c', join(directory, 'tinyproxy.conf')];
  },
} as const;

interface Scene {
  readonly home: string;
  readonly coordinator: Output;
  readonly nginxLog: string;
}

/** Proxy, nginx and coordinator up; one hospital has joined. */
async function setUp(name: string, proxy: keyof typeof PROXIES): Promise<Scene> {
  expect(script('up').status).toBe(0);
  const base = join(directory, name);
  await mkdir(base);
  const office = await openHome(join(base, 'office'));
  const home = join(base, 'north');
  await joinAll(office, ['north'], () => home);
  const run = {
    ...{
      run: name,
      study: { name: 'test', labels: ['normal', 'pneumonia', 'covid'] },
      mode: 'sealed',
      head: { kind: 'linear' },
    },
    ...{ backbone: (await untrainedBackbone()).hash, preprocessing: PREPROCESSING_VERSION, rounds: 2, minHospitals: 1 },
    ...{ gatherTimeoutSeconds: 250, absenceGraceSeconds: 60 },
  };
  await writeFile(join(base, 'run.yaml'), JSON.stringify(run));
  const conf = (await readFile(join(root, 'deploy', 'reverse-proxy', 'nginx.conf'), 'utf8'))
    .replaceAll('/etc/nginx/consilium.pem', join(certificates, 'server.pem'))
    .replaceAll('/etc/nginx/consilium.key', join(certificates, 'server.key'))
    .replaceAll('/run/nginx.pid', join(base, 'nginx.pid'))
    .replaceAll('/var/log/nginx/', `${base}/`)
    .replaceAll('coordinator.example', 'coordinator.test');
  await writeFile(join(base, 'nginx.conf'), conf);
  inside('coordinator', ['nginx', '-p', base, '-c', join(base, 'nginx.conf'), '-g', 'user root; daemon off;']);
  const { output } = inside('coordinator', [
    process.execPath,
    PROGRAMS.coordinator,
    'run',
    join(base, 'run.yaml'),
    '--home',
    join(base, 'office'),
  ]);
  inside('proxy', await PROXIES[proxy]());
  await Promise.all([listening('coordinator', 443), listening('coordinator', 7_433), listening('proxy', 3_128)]);
  const der = Buffer.from(
    (await readFile(join(certificates, 'server.pem'), 'utf8')).replaceAll(/-----[^-]+-----|\s/g, ''),
    'base64',
  );
  const config = {
    ...{ coordinator: 'https://coordinator.test', caFile: join(certificates, 'ca.pem'), pin: [pinOf(der)] },
    // One hospital alone: nothing to hide it among.
    ...{ modes: ['sealed'] },
    ...{ data: join(directory, 'images'), cache: join(directory, 'cache'), threads: 2 },
  };
  await writeFile(join(home, 'hospital.yaml'), JSON.stringify(config));
  return { home, coordinator: output, nginxLog: join(base, 'consilium.log') };
}

const hospital = (scene: Scene, command: string, env: Record<string, string>) =>
  inside('hospital', [process.execPath, PROGRAMS.hospital, command, '--home', scene.home, '--format', 'json'], env);

async function ended(output: Output): Promise<Output> {
  while (output.status === undefined) await sleep(50);
  return output;
}

async function expectRun(scene: Scene): Promise<void> {
  const { child, output } = hospital(scene, 'start', { HTTPS_PROXY: `http://${PASSWORD}@${PROXY}` });
  const remotes = new Set<string>();
  while (output.status === undefined) {
    // `ip netns exec` becomes the program: its number is the program's.
    for (const { state, local, remote } of (await tcpSocketsOf(child.pid ?? 0)) ?? []) {
      if (state === 'listening') expect(local).toMatch(/^127\.0\.0\.1:/);
      else remotes.add(remote);
    }
    await sleep(100);
  }
  expect(output.text).toContain('"event":"finished"');
  expect(output.status).toBe(0);
  expect([...remotes]).toEqual([PROXY]);
  expect((await ended(scene.coordinator)).status).toBe(0);
  expect(await readFile(scene.nginxLog, 'utf8')).toContain('"GET /socket.io/" 101');
}

const netem = (): boolean => {
  if (missing !== undefined) return false;
  script('up');
  const tried = spawnSync('tc', [
    '-n',
    `${PREFIX}-hospital`,
    'qdisc',
    'add',
    'dev',
    'inside',
    'root',
    'netem',
    'delay',
    '1ms',
  ]);
  script('down');
  return tried.status === 0;
};

describe.skipIf(missing !== undefined)(`a hospital behind its proxy (needs ${missing ?? 'nothing more'})`, () => {
  for (const proxy of ['squid', 'tinyproxy'] as const) {
    it.skipIf(!has(proxy, '-v'))(`finishes a run through ${proxy}, and goes nowhere else`, async () => {
      await expectRun(await setUp(`by-${proxy}`, proxy));
    });
  }

  it.skipIf(!has('squid', '-v'))('does not get past it, and doctor says why', async () => {
    const scene = await setUp('astray', 'squid');
    for (const [env, found] of [
      // As fast as this machine finds out that nobody resolves names for it.
      [{}, /NAME_UNKNOWN|NO_ANSWER/],
      [{ HTTPS_PROXY: `http://${PROXY}` }, /PROXY_WANTS_PASSWORD/],
      [{ HTTPS_PROXY: `http://ward:wrong@${PROXY}` }, /PROXY_WANTS_PASSWORD/],
      [{ HTTPS_PROXY: `http://${PASSWORD}@${PROXY}`, no_proxy: '.test' }, /NAME_UNKNOWN|NO_ANSWER/],
      [{ https_proxy: `http://${PASSWORD}@10.77.1.1:3129` }, /NOTHING_LISTENS/],
    ] as const) {
      const { text } = await ended(hospital(scene, 'doctor', env).output);
      expect(text).toMatch(found);
      expect(text).not.toContain('s3cret');
    }
    const { text } = await ended(hospital(scene, 'doctor', { https_proxy: `http://${PASSWORD}@${PROXY}` }).output);
    expect(text).toContain('holds the pinned key, protocol 1, by WebSocket');
    expect(text).toContain('it is pinned');
  });

  const slow = (...args: string[]) => {
    for (const [where, device] of [
      ['hospital', 'inside'],
      ['proxy', 'ward'],
    ] as const) {
      execFileSync('tc', ['-n', `${PREFIX}-${where}`, 'qdisc', 'add', 'dev', device, 'root', ...args]);
    }
  };

  it.skipIf(!has('squid', '-v') || !has('tc', '-V'))('finishes a run over 512 kbit/s (tc tbf)', async () => {
    const scene = await setUp('slow', 'squid');
    slow('tbf', 'rate', '512kbit', 'burst', '16kbit', 'latency', '400ms');
    await expectRun(scene);
  });

  it.skipIf(!has('squid', '-v') || !netem())(
    'finishes a run with 150 ms and 3 % loss (tc netem, where the kernel has it)',
    async () => {
      const scene = await setUp('lossy', 'squid');
      slow('netem', 'delay', '75ms', '20ms', 'loss', '3%');
      await expectRun(scene);
    },
  );
});
