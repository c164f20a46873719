/** The proxy of the environment, as curl and npm read it: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in either case. */
import type { Agent } from 'node:http';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { HospitalError } from '../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

const variable = (environment: Environment, name: string): string | undefined =>
  [environment[name.toLowerCase()], environment[name]].find((value) => value !== undefined && value !== '');

/** `*`, a host, or a domain with or without its first dot; a port narrows it. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const effectivePort = port || (protocol === 'https:' ? '443' : '80');
  return list.split(',').some((item) => {
    const [, host = '', only] = /^\s*(.*?)(?::(\d+))?\s*$/.exec(item) ?? [];
    if (host === '' || (only !== undefined && only !== effectivePort)) return false;
    const domain = host.replace(/^\*?\./, '');
    return host === '*' || hostname === domain || hostname.endsWith(`.${domain}`);
  });
}

/**
 * @returns an agent that opens a tunnel (CONNECT) with the credentials of the proxy's address, or undefined for none.
 * @throws {@link HospitalError} `BAD_OPTION`, naming the variable and not its value, which may hold a password.
 */
export function proxyAgentFor(url: URL, environment: Environment): Agent | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(environment, name);
  if (proxy === undefined || isExcepted(url, variable(environment, 'NO_PROXY') ?? '')) return undefined;
  try {
    return new HttpsProxyAgent(proxy);
  } catch {
    throw new HospitalError('BAD_OPTION', `${name} is not the address of a proxy`);
  }
}
