/**
 * Sign-in at an OpenID provider: authorization code with PKCE, state and nonce, the ID token's signature checked. What the
 * provider says of a person decides the role, at each sign-in.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as openid from 'openid-client';
import { parse } from 'yaml';
import { z } from 'zod';
import { accountName, roles, roleSchema, type Role } from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import { CoordinatorError } from '../errors.js';
import type { Subject } from './accounts.js';
import { digestOf, newSecret } from './secrets.js';

const oidcFile = z.strictObject({
  issuer: z.url().describe('as the provider itself spells it'),
  clientId: z.string().min(1).max(200),
  clientSecretFile: z.string().min(1).optional().describe('beside this file; without it a public client'),
  label: z.string().min(1).max(60).default('single sign-on'),
  scopes: z.array(z.string().regex(/^[\x21-\x7e]+$/)).default(['openid', 'profile', 'email']),
  nameClaim: z.string().min(1).max(100).default('preferred_username'),
  roleClaim: z.string().min(1).max(100).describe('a claim that holds one text or a list of them'),
  roles: z.record(z.string().min(1), roleSchema).describe('what the claim holds -> role; of several the highest'),
});
export type OidcFile = z.infer<typeof oidcFile> & { readonly clientSecret?: string };

/** @throws {@link CoordinatorError} `OIDC_INVALID`, naming the field. */
export async function readOidcFile(file: string): Promise<OidcFile> {
  const read = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch(() => {
      throw new CoordinatorError('OIDC_INVALID', `cannot read ${path}`);
    });
  let value: unknown;
  const text = await read(file);
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    throw new CoordinatorError('OIDC_INVALID', `${file} is not YAML`);
  }
  const parsed = oidcFile.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new CoordinatorError('OIDC_INVALID', `${file}: ${faults.join('; ')}`);
  }
  const { issuer, clientSecretFile } = parsed.data;
  if (!isSafe(new URL(issuer))) {
    throw new CoordinatorError('OIDC_INVALID', `${file}: issuer: http is for this machine alone; use https`);
  }
  if (clientSecretFile === undefined) return parsed.data;
  return { ...parsed.data, clientSecret: (await read(resolve(dirname(file), clientSecretFile))).trim() };
}

const isLoopback = ({ hostname }: URL): boolean => ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
const isSafe = (url: URL): boolean => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));

interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly untilMs: number;
}

export interface Vouched {
  readonly subject: Subject;
  readonly name: string;
  readonly role: Role;
}

/** From the way there to the way back. */
const BEGUN_MS = 600_000;
const BEGUN_KEPT = 1_000;
const PROVIDER_SECONDS = 10;

export class Elsewhere {
  readonly #begun = new Map<string, Begun>();
  #provider: Promise<openid.Configuration> | undefined;

  /** @param redirectUri - asked for when it is needed: a free port is known late. */
  constructor(
    private readonly file: OidcFile,
    private readonly redirectUri: () => string,
    private readonly nowMs: () => number = Date.now,
  ) {}

  get label(): string {
    return this.file.label;
  }

  /** @returns Where the browser goes, and what its cookie holds. @throws {@link ApiError} `OIDC_FAILED`. */
  async begin(): Promise<{ readonly to: string; readonly secret: string }> {
    const provider = await this.#discover();
    const verifier = openid.randomPKCECodeVerifier();
    const begun = { state: openid.randomState(), nonce: openid.randomNonce(), verifier };
    const secret = newSecret();
    this.#begun.set(digestOf('link', secret), { ...begun, untilMs: this.nowMs() + BEGUN_MS });
    for (const oldest of this.#begun.keys()) {
      if (this.#begun.size <= BEGUN_KEPT) break;
      this.#begun.delete(oldest);
    }
    const to = openid.buildAuthorizationUrl(provider, {
      redirect_uri: this.redirectUri(),
      scope: this.file.scopes.join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...{ state: begun.state, nonce: begun.nonce },
    });
    return { to: to.href, secret };
  }

  /**
   * @param secret - of the cookie: only the browser that went there comes back.
   * @param url - path and query as they came: attacker-controlled.
   * @throws {@link ApiError} `OIDC_FAILED`, whatever is wrong: state, nonce, issuer, signature, or a role that nobody mapped.
   */
  async finish(secret: string | undefined, url: string): Promise<Vouched> {
    const id = digestOf('link', secret ?? '');
    const begun = this.#begun.get(id);
    this.#begun.delete(id);
    if (begun === undefined || begun.untilMs <= this.nowMs()) throw failed('it was not begun in this browser');
    const back = new URL(this.redirectUri());
    back.search = new URL(url, back).search;
    const claims = await openid
      .authorizationCodeGrant(await this.#discover(), back, {
        ...{ pkceCodeVerifier: begun.verifier, expectedState: begun.state, expectedNonce: begun.nonce },
        idTokenExpected: true,
      })
      .then((tokens) => tokens.claims())
      // What the provider or an attacker said goes nowhere: it may hold a code or a token.
      .catch(() => undefined);
    if (claims === undefined) throw failed('the provider did not vouch for this sign-in');
    const claimed = claims[this.file.nameClaim];
    const name = accountName.safeParse(typeof claimed === 'string' ? claimed.toLowerCase() : undefined);
    if (!name.success) throw failed(`the claim ${this.file.nameClaim} is not a name that can be used here`);
    return { subject: { issuer: claims.iss, sub: claims.sub }, name: name.data, role: this.#roleOf(claims) };
  }

  #roleOf(claims: Readonly<Record<string, unknown>>): Role {
    const value = claims[this.file.roleClaim];
    const held = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
    const given = held.flatMap((one) => (Object.hasOwn(this.file.roles, one) ? [this.file.roles[one]] : []));
    const highest = roles.toReversed().find((role) => given.includes(role));
    if (highest === undefined) throw failed('the provider gives no role here to this person');
    return highest;
  }

  /** Once it has answered, it is not asked again. */
  #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.file;
    const url = new URL(issuer);
    this.#provider ??= openid
      .discovery(
        url,
        clientId,
        clientSecret,
        clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret),
        {
          execute: [
            openid.enableNonRepudiationChecks,
            // Refused by readOidcFile for any other machine than this one.
            ...(url.protocol === 'http:' ? [allowLoopback] : []),
          ],
          timeout: PROVIDER_SECONDS,
        },
      )
      .catch(() => {
        this.#provider = undefined;
        throw failed('the provider does not answer');
      });
    return this.#provider;
  }
}

// Marked as deprecated by its authors so that it stands out; it does, and it is for the loopback address alone.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const allowLoopback = openid.allowInsecureRequests;

const failed = (why: string): ApiError => new ApiError('OIDC_FAILED', `the sign-in elsewhere failed: ${why}`);
