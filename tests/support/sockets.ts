/** The TCP sockets that a process really has, by the system's own tables: inodes of its files against /proc/PID/net/tcp. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface TcpSocket {
  readonly state: 'listening' | 'connected';
  /** `127.0.0.1:80`; of IPv6 the hex digits as they are in the table. */
  readonly local: string;
  readonly remote: string;
}

const STATES: Readonly<Record<string, TcpSocket['state']>> = { '0A': 'listening', '01': 'connected' };

function addressOf(text: string): string {
  const [host = '', port = ''] = text.split(':');
  const octets = host.length === 8 ? (host.match(/../g) ?? []).reverse().map((hex) => parseInt(hex, 16)) : [host];
  return `${octets.join('.')}:${parseInt(port, 16)}`;
}

/** @returns undefined where the system has no such tables. */
export async function tcpSocketsOf(pid: number): Promise<readonly TcpSocket[] | undefined> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
  if (files === undefined) return undefined;
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  // Of the process's own network, which may be a namespace.
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', remote = '', code = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      const state = STATES[code];
      return state !== undefined && inodes.has(inode)
        ? [{ state, local: addressOf(local), remote: addressOf(remote) }]
        : [];
    }),
  );
}
