/** A person in front of a browser: an empty profile, a page, and what the browser complained of or asked for meanwhile. */
import type { Browser, Locator, Page } from 'playwright-core';
import { join } from 'node:path';
import { settled, watch } from './pages.js';

/** The machine may be busy: what is claimed is that it happens, not how fast. */
export const PATIENCE_MS = 180_000;
export const PASSWORD = 'seven quiet herons by the lake';

export interface Answered {
  readonly status: number;
  readonly body: string;
}

export class Person {
  /** Addresses of all requests, with their fragments. */
  readonly addresses: string[] = [];
  readonly problems: string[];

  private constructor(
    readonly page: Page,
    private readonly url: string,
  ) {
    page.setDefaultTimeout(PATIENCE_MS);
    this.problems = watch(page, new URL(url).origin);
    page.on('request', (request) => this.addresses.push(request.url()));
  }

  /** @param url - of the coordinator, with its last slash. */
  static async arrive(browser: Browser, url: string): Promise<Person> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', acceptDownloads: true });
    return new Person(await context.newPage(), url);
  }

  /** For people who look for the reason of a failure: with CONSILIUM_PICTURES=FOLDER. */
  async picture(name: string): Promise<void> {
    const folder = process.env.CONSILIUM_PICTURES;
    if (folder !== undefined)
      await this.page.screenshot({ path: join(folder, `${name.replaceAll(/\W+/g, '-')}.png`), fullPage: true });
  }

  async leave(): Promise<void> {
    await this.page.context().close();
  }

  async open(hash: string): Promise<void> {
    await this.page.goto(`${this.url}${hash}`);
    await settled(this.page);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  text(text: string | RegExp): Locator {
    return this.page.getByText(text, { exact: true });
  }

  /** By a link of the coordinator or of an owner. @param name - of the account, where the link makes the first one. */
  async choosePassword(link: string, name?: string): Promise<void> {
    await this.page.goto(link);
    if (name !== undefined) await this.page.getByLabel('Your name').fill(name);
    await this.page.getByLabel('A new password').fill(PASSWORD);
    await this.page.getByLabel('The same password again').fill(PASSWORD);
    await this.button(name === undefined ? 'Set the password and sign in' : 'Make the account').click();
  }

  async signIn(name: string): Promise<void> {
    await this.page.goto(this.url);
    await this.page.getByLabel('Your name').fill(name);
    await this.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await this.button('Sign in').click();
    await this.page.getByRole('heading', { name: 'Now' }).waitFor();
  }

  /** Fills the form from the text of a run file and begins the run. */
  async beginRun(file: string, run: string): Promise<void> {
    await this.open('#/new-run');
    await this.button('Paste a run file').click();
    await this.page.getByRole('textbox', { name: 'Run file' }).fill(file);
    await this.button('Fill the form').click();
    await this.page.getByText('This can begin.').waitFor();
    await this.button('Begin the run').click();
    await this.dialog.getByRole('button', { name: 'Begin the run' }).click();
    await this.page.getByRole('heading', { level: 1, name: run }).waitFor();
  }

  /** A request as a script on this page would send it. @param path - below the API. */
  request(path: string, init: object = {}): Promise<Answered> {
    return this.page.evaluate(
      `fetch(${JSON.stringify(`api/v1/${path}`)}, ${JSON.stringify(init)}).then(async (r) => ({ status: r.status, body: await r.text() }))`,
    );
  }

  /** As the page itself asks: with the token of its session. */
  async ask(method: string, path: string, body?: object): Promise<Answered> {
    const { csrf } = JSON.parse((await this.request('session')).body) as { csrf: string };
    return this.request(path, {
      method,
      headers: { 'x-consilium-csrf': csrf, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}
