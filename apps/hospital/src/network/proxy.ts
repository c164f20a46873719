/** The proxy of the environment, as curl and npm read it: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in either case. */
import { HospitalError } from '../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const variable = (environment: Environment, name: string): string | undefined =>
  [environment[name.toLowerCase()], environment[name]].find((value) => value !== undefined && value !== '');

/** `*`, a host, or a domain with or without its first dot; a port narrows it. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const effectivePort = port || (protocol === 'https:' ? '443' : '80');
  return list.split(/[,\s]/).some((item) => {
    const [, host = '', only] = /^(.*?)(?::(\d+))?$/.exec(item.toLowerCase()) ?? [];
    if (host === '' || (only !== undefined && only !== effectivePort)) return false;
    const domain = host.replace(/^\*?\./, '');
    return host === '*' || hostname === domain || hostname.endsWith(`.${domain}`);
  });
}

export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);

/**
 * @returns The address of the proxy on the way to `url`, its password included, or undefined where the way is direct: without
 * such a variable, past NO_PROXY, and to this very machine, where no proxy can go.
 * @throws {@link HospitalError} `BAD_OPTION`, naming the variable and not its value, which may hold a password.
 */
export function proxyOf(url: URL, environment: Environment): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(environment, name);
  if (proxy === undefined || isLoopback(url) || isExcepted(url, variable(environment, 'NO_PROXY') ?? ''))
    return undefined;
  if (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol)) return new URL(proxy);
  throw new HospitalError(
    'BAD_OPTION',
    `${name} is not the address of a proxy, such as http://proxy.hospital.example:3128`,
  );
}

/** For people and logs. */
export const withoutPassword = ({ protocol, host, username }: URL): string =>
  `${protocol}//${host}${username === '' ? '' : ', with a user name'}`;
