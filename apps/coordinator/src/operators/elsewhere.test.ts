/**
 * Claims: who signs in at a provider gets the role that it gives there, at each time; and what is not for this browser, this
 * sign-in, this provider or this client opens nothing: state, nonce, issuer, audience, signature, PKCE, a code used twice, a
 * claim that nobody mapped, a name that is another account's. Oracle: a small provider in this file, with its own keys.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOidcFile } from './elsewhere.js';
import { openDeskOfOperators, type Browser, type TestDesk } from './test-desk.js';

const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** What the next ID token says, beyond what an honest provider says. */
interface Lies {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly forged?: boolean;
}
const told: { lies: Lies; codes: Map<string, { nonce: string; challenge: string }>; verified: number } = {
  ...{ lies: {}, codes: new Map(), verified: 0 },
};

let provider: Server;
let issuer: string;
let folder: string;
let desk: TestDesk;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function idToken(nonce: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    ...{ iss: issuer, aud: 'consilium', sub: 'subject-1', iat: now, exp: now + 60, nonce },
    ...{ preferred_username: 'Petra', groups: ['staff', 'fl-owners', 'fl-viewers'] },
    ...told.lies.claims,
  };
  const text = `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}`;
  const { privateKey } = told.lies.forged === true ? others : keys;
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

beforeAll(async () => {
  provider = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = (value: object, status = 200): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      if (request.url === '/.well-known/openid-configuration') {
        answer({
          ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
          ...{ jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'] },
          ...{ id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'] },
        });
      } else if (request.url === '/jwks') {
        answer({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] });
      } else if (request.url === '/token') {
        const form = new URLSearchParams(body);
        const begun = told.codes.get(form.get('code') ?? '');
        told.codes.delete(form.get('code') ?? '');
        const proof = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (begun?.challenge !== proof) {
          answer({ error: 'invalid_grant' }, 400);
          return;
        }
        told.verified += 1;
        answer({ access_token: 'planted-access-token', token_type: 'bearer', id_token: idToken(begun.nonce) });
      } else answer({}, 404);
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'consilium-oidc-'));
  await writeFile(join(folder, 'secret'), 'planted-client-secret\n');
  await writeFile(join(folder, 'oidc.yaml'), file());
  desk = await openDeskOfOperators({ oidc: await readOidcFile(join(folder, 'oidc.yaml')) });
});
afterAll(async () => {
  await desk.close();
  provider.close();
  await rm(folder, { recursive: true });
});

const file = (more = ''): string =>
  `issuer: ${issuer}\nclientId: consilium\nclientSecretFile: secret\nroleClaim: groups\n` +
  `roles:\n  fl-owners: owner\n  fl-viewers: viewer\n${more}`;

/** To the provider, and an honest way back. */
async function away(browser: Browser) {
  const to = await browser.ask('GET', '/api/v1/session/oidc');
  expect(to.status).toBe(302);
  const query = new URL(to.headers.get('location') ?? '').searchParams;
  const code = randomBytes(8).toString('hex');
  told.codes.set(code, { nonce: query.get('nonce') ?? '', challenge: query.get('code_challenge') ?? '' });
  return { query, code, state: query.get('state') ?? '' };
}

async function back(browser: Browser, query: Record<string, string>): Promise<string> {
  const answer = await browser.ask('GET', `/api/v1/session/oidc/callback?${new URLSearchParams(query).toString()}`);
  expect(answer.status).toBe(302);
  return answer.headers.get('location') ?? '';
}

const FAILED = '/#sign-in-failed=OIDC_FAILED';
const isSignedIn = async (browser: Browser): Promise<boolean> =>
  (await browser.ask('GET', '/api/v1/session')).status === 200;

describe('an honest sign-in', () => {
  it('gives the highest role that the claim is mapped to, and asks as it should', async () => {
    const browser = desk.newBrowser();
    const { query, code, state } = await away(browser);
    expect(Object.fromEntries(query)).toMatchObject({
      ...{ client_id: 'consilium', response_type: 'code', code_challenge_method: 'S256' },
      redirect_uri: `${desk.url}/api/v1/session/oidc/callback`,
    });
    expect(query.get('nonce')).toMatch(/^[\w-]{20,}$/);
    expect(await back(browser, { code, state })).toBe('/');
    expect((await browser.ask('GET', '/api/v1/session')).value).toMatchObject({
      operator: { name: 'petra', role: 'owner' },
      byPassword: false,
    });
    expect((await browser.ask('GET', '/api/v1/session/ways')).value).toMatchObject({ setup: false, oidc: {} });
    // The same way a second time is no way.
    expect(await back(browser, { code, state })).toBe(FAILED);
  });

  it('has the role that it has there now', async () => {
    told.lies = { claims: { groups: 'fl-viewers' } };
    const browser = desk.newBrowser();
    const { code, state } = await away(browser);
    expect(await back(browser, { code, state })).toBe('/');
    expect((await browser.ask('GET', '/api/v1/session')).value).toMatchObject({ operator: { role: 'viewer' } });
    told.lies = {};
  });
});

describe('a sign-in with', () => {
  it.each<[string, Lies]>([
    ['another nonce', { claims: { nonce: 'another' } }],
    ['another issuer', { claims: { iss: 'http://127.0.0.1:1' } }],
    ['another audience', { claims: { aud: 'somebody-else' } }],
    ['an expired token', { claims: { exp: 1_000, iat: 900 } }],
    ['a signature of another key', { forged: true }],
    ['no role that is mapped', { claims: { groups: ['staff', 'constructor', '__proto__'] } }],
    ['no groups', { claims: { groups: undefined } }],
    ['a name that is markup', { claims: { sub: 'x', preferred_username: '<b>' } }],
  ])('%s opens nothing', async (_, lies) => {
    told.lies = lies;
    const browser = desk.newBrowser();
    const { code, state } = await away(browser);
    expect(await back(browser, { code, state })).toBe(FAILED);
    expect(await isSignedIn(browser)).toBe(false);
    told.lies = {};
  });

  it('another state opens nothing', async () => {
    const browser = desk.newBrowser();
    const { code } = await away(browser);
    expect(await back(browser, { code, state: 'another' })).toBe(FAILED);
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('another browser opens nothing: the code of an attacker signs nobody in', async () => {
    const { code, state } = await away(desk.newBrowser());
    const victim = desk.newBrowser();
    expect(await back(victim, { code, state })).toBe(FAILED);
    await away(victim);
    expect(await back(victim, { code, state })).toBe(FAILED);
    expect(await isSignedIn(victim)).toBe(false);
  });

  it('another verifier is refused by the provider', async () => {
    const browser = desk.newBrowser();
    const { code, state } = await away(browser);
    told.codes.set(code, { ...(told.codes.get(code) as { nonce: string }), challenge: 'another' });
    expect(await back(browser, { code, state })).toBe(FAILED);
  });

  it('the name of a local account is not that account', async () => {
    await desk.asHome('POST', '/api/v1/operators', { name: 'boss', role: 'owner' });
    told.lies = { claims: { sub: 'subject-2', preferred_username: 'boss' } };
    const browser = desk.newBrowser();
    const { code, state } = await away(browser);
    expect(await back(browser, { code, state })).toBe('/#sign-in-failed=OPERATOR_EXISTS');
    expect(await isSignedIn(browser)).toBe(false);
    told.lies = {};
  });

  it('a disabled account opens nothing', async () => {
    await desk.asHome('PATCH', '/api/v1/operators/petra', { role: 'viewer', state: 'disabled' });
    const browser = desk.newBrowser();
    const { code, state } = await away(browser);
    expect(await back(browser, { code, state })).toBe('/#sign-in-failed=SIGN_IN_FAILED');
  });
});

describe('the configuration', () => {
  it.each([
    ['issuer: http://provider.example', 'https'],
    ['rolls: {}', 'rolls'],
    ['label: ""', 'label'],
  ])('%s is refused, with the field', async (line, word) => {
    const text = line.startsWith('issuer') ? file().replace(/^issuer: .*$/m, line) : file(`${line}\n`);
    await writeFile(join(folder, 'bad.yaml'), text);
    await expect(readOidcFile(join(folder, 'bad.yaml'))).rejects.toMatchObject({ code: 'OIDC_INVALID' });
    await expect(readOidcFile(join(folder, 'bad.yaml'))).rejects.toThrow(word);
  });

  it('is written nowhere', () => {
    expect(told.verified).toBeGreaterThan(5);
    for (const secret of ['planted-client-secret', 'planted-access-token']) expect(desk.log.text).not.toContain(secret);
  });
});
