/**
 * The one way out of a hospital's network: through its proxy, trusting its own authority, TLS 1.3, and only to the pinned key.
 * Who the coordinator is gets proved above all this, by signatures: nothing here decides whom to believe.
 */
import type { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { PinMismatch, pinOf } from './pin.js';
import { proxyOf, type Environment } from './proxy.js';

export interface WayOut {
  /** Certificates in PEM: for `https:`, these are trusted, and the system's are not. */
  readonly ca?: string;
  /** Keys of the server, any of which it may hold; absent: any that a trusted authority vouches for. */
  readonly pins?: readonly string[];
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up. */
  readonly environment?: Environment;
}

/** What every TLS connection asks for, whatever the environment says (`NODE_TLS_REJECT_UNAUTHORIZED`). */
export const tlsTerms = ({ ca, pins }: WayOut): ConnectionOptions => ({
  minVersion: 'TLSv1.3',
  rejectUnauthorized: true,
  ...(ca === undefined ? {} : { ca }),
  checkServerIdentity: (host, certificate) => {
    const wrongName = checkServerIdentity(host, certificate);
    if (wrongName !== undefined || pins === undefined) return wrongName;
    const presented = pinOf(certificate.raw);
    return pins.includes(presented) ? undefined : new PinMismatch(presented);
  },
});

/** The proxy said no; its status is all that is kept of its answer. */
export class ProxyRefused extends Error {
  readonly code = 'PROXY_REFUSED';
  constructor(readonly status: number) {
    super(`the proxy answers ${status}`);
  }
}

/** A tunnel whose other end is held to the same terms as a direct connection. */
class Tunnel extends HttpsProxyAgent<string> {
  constructor(
    proxy: URL,
    private readonly terms: ConnectionOptions,
  ) {
    super(proxy.href, { keepAlive: true });
    this.on(
      'proxyConnect',
      ({ statusCode }: { readonly statusCode: number }, request: { destroy(error: Error): void }) => {
        // Else the proxy's page of excuses would be taken for the answer of the coordinator.
        if (statusCode !== 200) request.destroy(new ProxyRefused(statusCode));
      },
    );
  }

  override connect(...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>) {
    return super.connect(request, options.secureEndpoint ? Object.assign(options, this.terms) : options);
  }
}

/**
 * @returns What makes the connections to this URL; undefined: nothing special is needed.
 * @throws HospitalError `BAD_OPTION` when the variable for this URL is not the address of a proxy.
 */
export function agentFor(url: URL, way: WayOut): Agent | undefined {
  const proxy = proxyOf(url, way.environment ?? process.env);
  if (proxy !== undefined) return new Tunnel(proxy, tlsTerms(way));
  return url.protocol === 'https:' ? new SecureAgent({ keepAlive: true, ...tlsTerms(way) }) : undefined;
}
