/**
 * Who may look. The page is on loopback, where every program and every user of this machine can knock, and any web page can make
 * a browser knock:
 *
 * - a name that points at 127.0.0.1 (DNS rebinding) is another Host than ours;
 * - another page's request has another Origin, and gets no cookie (SameSite=Strict);
 * - a cookie goes to every port of 127.0.0.1, so that another server here could learn it: by itself it opens nothing. Every
 *   request for facts or for an act also carries a ticket, which scripts of this origin alone can read;
 * - the key comes in the fragment of the link, which no browser sends.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { sha256Hex, utf8 } from '@consilium/bytes';

export const TICKET_HEADER = 'x-consilium-ticket';

/** The oldest goes first: a person has a few browsers. */
const SESSIONS_MAX = 16;

export type Verdict = 'allowed' | 'wrong-host' | 'wrong-origin' | 'no-session';

const secret = (): string => randomBytes(32).toString('base64url');

/** Of equal length, because digests are compared. */
const isSame = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(sha256Hex(utf8(a))), Buffer.from(sha256Hex(utf8(b))));

export class Guard {
  /** Anybody who has it may look. */
  readonly key = secret();
  /** Ticket by session, both by digest. */
  readonly #sessions = new Map<string, string>();
  readonly #hosts: readonly string[];
  readonly #cookie: string;

  constructor(port: number) {
    // As browsers write it: without the port of http.
    const suffix = port === 80 ? '' : `:${port}`;
    this.#hosts = [`127.0.0.1${suffix}`, `localhost${suffix}`];
    // A cookie has no port: each node of this machine has its own name.
    this.#cookie = `consilium-hospital-${port}`;
  }

  /** For every request. A browser names the Origin of each that changes something, and of each from elsewhere. */
  place({ host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode }: IncomingHttpHeaders): Verdict {
    if (host === undefined || !this.#hosts.includes(host)) return 'wrong-host';
    if (origin !== undefined && origin !== `http://${host}`) return 'wrong-origin';
    // Whoever follows a link from elsewhere gets the empty page; what a page elsewhere loads by itself is another matter.
    const isOurs = site === undefined || site === 'same-origin' || site === 'none' || mode === 'navigate';
    if (!isOurs) return 'wrong-origin';
    return 'allowed';
  }

  /** @returns What the browser keeps, and what only the page's own script may: undefined for a wrong key. */
  admit(key: string): { readonly setCookie: string; readonly ticket: string } | undefined {
    if (!isSame(key, this.key)) return undefined;
    const [session, ticket] = [secret(), secret()];
    this.#sessions.set(sha256Hex(utf8(session)), ticket);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    return { setCookie: `${this.#cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`, ticket };
  }

  /** @param isAct - changes something: then the Origin must be named, and be ours. */
  session(headers: IncomingHttpHeaders, isAct: boolean): Verdict {
    const at = this.place(headers);
    if (at !== 'allowed') return at;
    if (isAct && headers.origin === undefined) return 'wrong-origin';
    const session = cookieOf(headers.cookie, this.#cookie);
    const expected = session === undefined ? undefined : this.#sessions.get(sha256Hex(utf8(session)));
    const ticket = headers[TICKET_HEADER];
    return expected !== undefined && typeof ticket === 'string' && isSame(ticket, expected) ? 'allowed' : 'no-session';
  }
}

const cookieOf = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(';')
    .map((pair) => pair.trim().split('='))
    .find(([key]) => key === name)?.[1];
