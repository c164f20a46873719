/**
 * Claims: (1) the page listens on 127.0.0.1 alone; (2) without the key nothing is told and nothing is done, and a key, a cookie
 * or a ticket alone is not enough; (3) another Host (DNS rebinding), another Origin, a request that another page makes, and an act
 * without an Origin are refused; (4) names of runs and studies, labels and reason codes cannot become markup, and the policy of the
 * document admits no script but its own; (5) what earlier processes evaluated is there after a restart; (6) no facts of a file or a
 * patient are in it.
 * Oracle: a plain HTTP client that sends whatever it likes; the system's table of sockets.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gpusIn } from './gpus.js';
import { FactFinder } from './facts.js';
import { servePage, type OpenPage } from './server.js';
import { Story } from './story.js';
import { Tail } from '../control/tail.js';

const EVIL = `<img src=x onerror=alert(1)>"'`;

let home: string;
let page: OpenPage;
let story: Story;
let done: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-page-'));
  done = [];
  story = new Story();
  page = await open();
});
afterEach(async () => {
  await page.close();
  await rm(home, { recursive: true, force: true });
});

function open(port = 0): Promise<OpenPage> {
  const facts = new FactFinder({
    ...{ hospital: 'north', home, config: { coordinator: 'http://127.0.0.1:1', threads: 1 }, story },
    approvals: { pending: () => Promise.resolve([]), decided: () => Promise.resolve([]) },
    node: () => ({
      ...{ pid: 1, since: '2026-01-01T00:00:00.000Z', line: 'connected', embedded: null, page: null },
      runs: [{ run: EVIL, stage: EVIL, round: 2 }],
    }),
  });
  const act = (name: string) => () => {
    done.push(name);
    return Promise.resolve();
  };
  return servePage({
    hospital: 'north',
    port,
    facts,
    wishes: { pause: act('pause'), resume: act('resume'), stop: act('stop') },
  });
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookie: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** @param headers - Host included: whatever the test says is sent. */
async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port: new URL(page.url).port, path, method, headers }).end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  const cookie = (answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
  return { status: answer.statusCode ?? 0, text, cookie, headers: answer.headers };
}

const key = (): string => new URL(page.link).hash.replace('#key=', '');
const origin = (): string => new URL(page.url).origin;

async function enter(): Promise<Record<string, string>> {
  const { status, text, cookie } = await send('POST', '/session', { origin: origin() }, JSON.stringify({ key: key() }));
  expect(status).toBe(200);
  return { cookie, 'x-consilium-ticket': (JSON.parse(text) as { ticket: string }).ticket, origin: origin() };
}

const sections = async (): Promise<Readonly<Record<string, string>>> => {
  const { text } = await send('GET', '/sections', await enter());
  return (JSON.parse(text) as { sections: Record<string, string> }).sections;
};

describe('who has the link', () => {
  it('sees the sections, pauses, goes on and stops', async () => {
    const mine = await enter();
    const seen = await send('GET', '/sections', mine);
    expect(Object.keys((JSON.parse(seen.text) as { sections: object }).sections)).toContain('now');
    for (const act of ['pause', 'resume', 'stop']) expect((await send('POST', `/${act}`, mine)).status).toBe(200);
    expect(done).toEqual(['pause', 'resume', 'stop']);
  });

  it('has a cookie that scripts and other sites do not get, and a key that no request carries', async () => {
    const answer = await send('POST', '/session', {}, JSON.stringify({ key: key() }));
    expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/; HttpOnly; SameSite=Strict; Path=\/$/)]);
    expect(new URL(page.link).search).toBe('');
    expect(answer.text + String(answer.headers['set-cookie'])).not.toContain(key());
  });
});

describe('who has not', () => {
  it('is told nothing, and does nothing', async () => {
    const mine = await enter();
    const { cookie, 'x-consilium-ticket': ticket = '' } = mine;
    const attempts: Record<string, string>[] = [
      {},
      { cookie: cookie ?? '' },
      { 'x-consilium-ticket': ticket },
      { cookie: `${cookie ?? ''}x`, 'x-consilium-ticket': ticket },
      { cookie: cookie ?? '', 'x-consilium-ticket': `${ticket}x` },
      // Another browser's ticket does not fit this one's cookie.
      { cookie: cookie ?? '', 'x-consilium-ticket': (await enter())['x-consilium-ticket'] ?? '' },
      { 'x-consilium-ticket': key(), cookie: key() },
    ];
    for (const headers of attempts) {
      expect(await send('GET', '/sections', headers)).toMatchObject({ status: 401, text: 'no-session\n' });
      expect((await send('POST', '/stop', { origin: origin(), ...headers })).status).toBe(401);
    }
    for (const body of [
      '',
      '{}',
      '{"key":""}',
      `{"key":"${'a'.repeat(43)}"}`,
      `{"key":["${key()}"]}`,
      'x'.repeat(5_000),
    ]) {
      expect((await send('POST', '/session', {}, body)).status).toBe(401);
    }
    expect(done).toEqual([]);
    const empty = await send('GET', '/');
    expect(empty.text).not.toContain(key());
    expect(empty.text).not.toContain(home);
  });

  it('by another name of this machine is refused (DNS rebinding)', async () => {
    const mine = await enter();
    const { port } = new URL(page.url);
    for (const host of [
      `attacker.example:${port}`,
      'attacker.example',
      '127.0.0.1',
      `127.0.0.1.nip.io:${port}`,
      `[::1]:${port}`,
    ]) {
      expect((await send('GET', '/sections', { ...mine, host })).status).toBe(421);
      expect((await send('POST', '/session', { host }, JSON.stringify({ key: key() }))).status).not.toBe(200);
    }
    expect(
      (await send('GET', '/sections', { ...mine, host: `localhost:${port}`, origin: `http://localhost:${port}` }))
        .status,
    ).toBe(200);
  });

  it('from another page is refused, also from another port of this machine, and where no origin is named', async () => {
    const mine = await enter();
    for (const other of ['http://attacker.example', 'null', 'http://127.0.0.1:1', origin().replace('http', 'https')]) {
      expect((await send('POST', '/stop', { ...mine, origin: other })).status).toBe(403);
      expect((await send('GET', '/sections', { ...mine, origin: other })).status).toBe(403);
    }
    const silent = { ...mine, origin: undefined } as unknown as Record<string, string>;
    delete silent['origin'];
    expect((await send('POST', '/stop', silent)).status).toBe(403);
    expect(
      (await send('GET', '/page.js', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status,
    ).toBe(403);
    // A link elsewhere that leads here: the empty page.
    expect((await send('GET', '/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(200);
    expect(done).toEqual([]);
  });

  it('finds no other path, and no act by GET', async () => {
    const mine = await enter();
    for (const path of [
      '/stop',
      '/pause',
      '/session',
      '/../package.json',
      '/page.js/..',
      '/identity.key',
      '//page.js',
    ]) {
      expect((await send('GET', path, mine)).status).toBe(404);
    }
    expect((await send('POST', '/', mine)).status).toBe(404);
    expect(done).toEqual([]);
  });
});

describe('the page', () => {
  it('listens on 127.0.0.1 and nowhere else', async () => {
    const hex = Number(new URL(page.url).port).toString(16).toUpperCase().padStart(4, '0');
    const table = await readFile('/proc/net/tcp', 'utf8').catch(() => undefined);
    if (table === undefined) return;
    const all = table + (await readFile('/proc/net/tcp6', 'utf8').catch(() => ''));
    // State 0A: listening.
    const listening = [...all.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A /gm)].filter(
      ([, , port]) => port === hex,
    );
    expect(listening.map(([, address]) => address)).toEqual(['0100007F']);
  });

  it('says that its port is taken', async () => {
    await expect(open(Number(new URL(page.url).port))).rejects.toMatchObject({ code: 'PAGE_PORT_IN_USE' });
  });

  it('has no name that becomes markup, and lets no script in', async () => {
    story.note({
      event: 'data',
      usable: 1,
      quarantined: { [EVIL]: 2 },
      classes: { [EVIL]: 1 },
      backbone: { name: EVIL, trained: true },
      engine: EVIL,
      trainer: EVIL,
    });
    story.note({ event: 'declined', run: EVIL, round: 1, reason: EVIL });
    for (const round of [1, 2]) {
      const scores = { part: 'test', examples: 9, loss: 1, balancedAccuracy: 0.5, auc: null };
      story.note({ event: 'evaluated', run: EVIL, round, scores });
    }
    await mkdir(join(home, 'results'));
    const metrics = { balancedAccuracy: 0.5 };
    await writeFile(
      join(home, 'results', 'x.json'),
      JSON.stringify({ run: EVIL, rounds: 1, localOnly: metrics, federated: metrics }),
    );
    const entry = {
      seq: 1,
      time: '2026-01-01T00:00:00.000Z',
      type: EVIL,
      messages: 1,
      sizeBytes: 1,
      sha256: 'a'.repeat(64),
      purpose: EVIL,
      runId: EVIL,
      round: 1,
      prev: 'a'.repeat(64),
    };
    await writeFile(join(home, 'egress.jsonl'), `${JSON.stringify(entry)}\n`);
    const drawn = Object.values(await sections()).join('\n');
    expect(drawn).toContain('&lt;img');
    expect(drawn.split('&lt;img').length).toBeGreaterThan(12);
    expect(drawn).not.toContain('<img');
    // In attributes as well.
    expect(drawn).not.toContain(`"'"`);
    const { headers, text } = await send('GET', '/');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(text).not.toMatch(/<script>|<style|style=|onclick|javascript:/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
  });

  it('knows after a restart what was evaluated before, and nothing that is not true any more', async () => {
    const line = (step: object): string => JSON.stringify({ level: 30, role: 'hospital', ...step });
    const scores = (balancedAccuracy: number) => ({ part: 'test', examples: 9, loss: 1, balancedAccuracy, auc: 0.7 });
    const lines = [
      line({ event: 'line', state: 'unreachable', why: 'NO_ANSWER' }),
      line({ event: 'evaluated', run: 'r', round: 1, scores: scores(0.123) }),
      line({ event: 'evaluated', run: 'r', round: 2, scores: scores(0.456) }),
      '{"event":"evaluated","run":"r","round":3,"sco',
    ];
    for (const one of lines) story.recall(one);
    const { rounds = '', now = '' } = await sections();
    // Before and after: the figure after round 1 is the one before round 2.
    expect(rounds).toMatch(/<th scope="row">2<\/th><td>9 test<\/td><td>0.123<\/td><td><strong>0.456/);
    expect(rounds).toMatch(/<th scope="row">1<\/th><td>9 test<\/td><td>-<\/td><td><strong>0.123/);
    expect(now).not.toContain('no answer');
  });

  it('says what of the policy cannot be read, and draws one that can', async () => {
    expect((await sections())['policy']).toContain('policy init');
    await writeFile(join(home, 'policy.yaml'), 'nonsense', { mode: 0o600 });
    expect((await sections())['policy']).toContain('policy check');
  });
});

describe('a tail', () => {
  it('gives whole lines, once, and begins anew where the file did', async () => {
    const path = join(home, 'log');
    const tail = new Tail(path);
    expect(await tail.next()).toEqual([]);
    await writeFile(path, 'one\ntwo\nthr');
    expect(await tail.next()).toEqual(['one', 'two']);
    await writeFile(path, 'one\ntwo\nthree ä\n');
    expect(await tail.next()).toEqual(['three ä']);
    await writeFile(path, 'new\n');
    expect(await tail.next()).toEqual(['new']);
    await sleep(1);
    expect(await tail.next()).toEqual([]);
  });
});

describe('what nvidia-smi prints', () => {
  it('is read as its manual has it', () => {
    expect(gpusIn('NVIDIA A40, 37, 1024, 46068\n')).toEqual([
      { name: 'NVIDIA A40', busyPercent: '37', usedMiB: '1024', totalMiB: '46068' },
    ]);
    expect(gpusIn('NVIDIA-SMI has failed\n')).toEqual([]);
  });
});
