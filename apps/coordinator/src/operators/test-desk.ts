/** For tests: a coordinator on a free port with a home folder of its own, and browsers that sign in to it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RequestMethod } from '@nestjs/common';
import { pino } from 'pino';
import { CSRF_HEADER, type Permission, type Role, type SessionView } from '@consilium/operator-api';
import { loadOrCreateToken } from '../api/token.js';
import { CONTROLLERS } from '../application.js';
import { openHome } from '../home.js';
import { openCoordinator, type CoordinatorOptions } from '../server.js';
import { activityFile, readChain, type KeptAction } from './activity-log.js';
import { NEED, type Need } from './needs.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly value: unknown;
  readonly code: string | undefined;
}

/** What differs from what a good page sends; '' leaves it out. */
export interface Differs {
  readonly csrf?: string;
  readonly origin?: string;
}

export class Browser {
  readonly cookies = new Map<string, string>();
  csrf = '';

  constructor(readonly url: string) {}

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async ask(method: string, path: string, body?: object, differs: Differs = {}): Promise<Answer> {
    const { csrf = this.csrf, origin = this.url } = differs;
    const answer = await askAt(
      this.url,
      method,
      path,
      {
        ...(this.cookies.size > 0 && { cookie: this.cookie }),
        ...(origin !== '' && { origin }),
        ...(csrf !== '' && { [CSRF_HEADER]: csrf }),
        'content-type': 'application/json',
      },
      body === undefined ? undefined : JSON.stringify(body),
    );
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const session = answer.value as Partial<SessionView> | undefined;
    if (answer.status === 200 && typeof session?.csrf === 'string') this.csrf = session.csrf;
    return answer;
  }
}

async function askAt(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    ...{ method, headers, redirect: 'manual' },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  const value: unknown = isJson ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, value, code: (value as { code?: string }).code };
}

export type TestDesk = Awaited<ReturnType<typeof openDeskOfOperators>>;

export async function openDeskOfOperators(options: Partial<CoordinatorOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-operators-'));
  const home = await openHome(join(folder, 'office'));
  const log = { text: '' };
  const open = () =>
    openCoordinator({
      ...{ home, host: '127.0.0.1', port: 0, progress: () => undefined },
      log: pino({}, { write: (line: string) => (log.text += line) }),
      ...options,
    });
  let coordinator = await open();
  const homeToken = await loadOrCreateToken(home.directory);
  const known = new Map<string, Promise<Browser>>();
  const here = {
    ...{ folder, home: home.directory, homeToken, log },
    get url() {
      return coordinator.url;
    },
    get office() {
      return coordinator;
    },
    newBrowser: () => new Browser(coordinator.url),
    /** As a program asks, without cookies. */
    ask: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
      askAt(coordinator.url, method, path, { 'content-type': 'application/json', ...headers }, body),
    asHome: (method: string, path: string, body?: object) =>
      here.ask(method, path, { authorization: `Bearer ${homeToken}` }, body && JSON.stringify(body)),
    setUpToken: async () => new URL((await coordinator.setUpUrl()) ?? '').hash.slice('#setup='.length),
    setUp: async (name: string, password: string) => {
      const browser = here.newBrowser();
      await browser.ask('POST', '/api/v1/session/setup', { token: await here.setUpToken(), name, password });
      known.set(name, Promise.resolve(browser));
      return browser;
    },
    invite: async (name: string, role: Role, password: string) => {
      const { value } = await here.asHome('POST', '/api/v1/operators', { name, role });
      const { token } = (value as { link: { token: string } }).link;
      const browser = here.newBrowser();
      await browser.ask('POST', '/api/v1/session/welcome', { token, password });
      known.set(name, Promise.resolve(browser));
      return browser;
    },
    /** Signed in, once for each name: to sign in is limited. */
    browser: (name: string, password: string): Promise<Browser> => {
      const signedIn =
        known.get(name) ??
        (async () => {
          const browser = here.newBrowser();
          await browser.ask('POST', '/api/v1/session', { name, password });
          return browser;
        })();
      known.set(name, signedIn);
      return signedIn;
    },
    token: async (name: string, scopes: readonly Permission[]) => {
      const { value } = await here.asHome('POST', '/api/v1/tokens', { name, scopes });
      return (value as { secret: string }).secret;
    },
    activity: async (): Promise<KeptAction[]> =>
      readChain(await readFile(activityFile(home.directory), 'utf8')).entries,
    routes,
    restart: async () => {
      await coordinator.close();
      coordinator = await open();
    },
    close: async () => {
      await coordinator.close();
      await rm(folder, { recursive: true });
    },
  };
  return here;
}

/** By the metadata that NestJS itself makes its routes of. */
function routes(): { readonly method: string; readonly path: string; readonly need: Need | undefined }[] {
  return CONTROLLERS.flatMap((controller) => {
    const base = Reflect.getMetadata('path', controller) as string;
    const prototype = controller.prototype as unknown as Record<string, object>;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler = prototype[name] ?? {};
      const path = Reflect.getMetadata('path', handler) as string | undefined;
      const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
      if (path === undefined || method === undefined) return [];
      const whole = `/${[base, path]
        .map((part) => part.replace(/^\/|\/$/g, ''))
        .filter(Boolean)
        .join('/')}`;
      const need = (Reflect.getMetadata(NEED, handler) ?? Reflect.getMetadata(NEED, controller)) as Need | undefined;
      return [{ method: RequestMethod[method], path: whole, need }];
    });
  });
}
