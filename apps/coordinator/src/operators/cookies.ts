/** Cookies as this coordinator reads and writes them. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export const SESSION_COOKIE = 'consilium_session';
/** Of a browser that has signed in before: see lockout.ts. It signs nobody in. */
export const DEVICE_COOKIE = 'consilium_device';
/** While somebody signs in elsewhere; sent with the way back from there, which comes from another site. */
export const OIDC_COOKIE = 'consilium_oidc';

/** @param header - attacker-controlled; of two cookies with one name the first counts. */
export function cookiesOf(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at)).trim();
    if (name !== '' && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim());
  }
  return cookies;
}

export interface CookieOptions {
  readonly isSecure: boolean;
  /** Default: Strict. */
  readonly sameSite?: 'Strict' | 'Lax';
  /** Default: until the browser is closed. 0 removes it. */
  readonly seconds?: number;
}

/** @param value - of our own making: base64url. */
export function setCookie(response: ServerResponse, name: string, value: string, options: CookieOptions): void {
  const { isSecure, sameSite = 'Strict', seconds } = options;
  const words = [`${name}=${value}`, 'Path=/', 'HttpOnly', `SameSite=${sameSite}`];
  if (seconds !== undefined) words.push(`Max-Age=${seconds}`);
  if (isSecure) words.push('Secure');
  response.appendHeader('set-cookie', words.join('; '));
}

/** Where people reach this coordinator; behind a proxy only its configuration knows that for sure. */
export class Site {
  readonly #public: URL | undefined;

  /** @param publicUrl - of the option `--public-url`. */
  constructor(publicUrl?: string) {
    this.#public = publicUrl === undefined ? undefined : new URL(publicUrl);
  }

  /** Whether cookies are for https alone. A claim of the sender can only make its own cookies stricter. */
  isSecure({ headers }: IncomingMessage): boolean {
    return this.#public?.protocol === 'https:' || headers['x-forwarded-proto'] === 'https';
  }

  /** @returns Without a slash at the end. @param listening - what is known without configuration. */
  url(listening: string): string {
    return (this.#public?.href ?? listening).replace(/\/$/, '');
  }

  /**
   * Whether a browser says that the request comes from a page of this very site. Another page cannot change either header.
   *
   * @param origin - the header `origin`.
   */
  isOwn(origin: string | undefined, { headers: { host } }: Pick<IncomingMessage, 'headers'>): boolean {
    if (origin === undefined || !URL.canParse(origin)) return false;
    const { host: from, origin: whole } = new URL(origin);
    if (whole === this.#public?.origin) return true;
    return host !== undefined && from === host.toLowerCase();
  }
}
