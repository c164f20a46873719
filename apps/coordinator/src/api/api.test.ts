/**
 * Claims: every operation of the OpenAPI description exists, and every address of the API is in it; each of them is closed to
 * whoever lacks the token, with a code, before the body is read; a flood of such requests is answered and logged within a
 * bound while the operator still gets in; what is answered has the described shape; no token, and no reason of a defect, is
 * in any answer or log line. Oracle: the description, the schemas, and a log that is kept in memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { openHome, writeCard } from '../home.js';
import { TestMembers } from '../membership/test-members.js';
import { openCoordinator, type RunningCoordinator } from '../server.js';
import { openApi } from './openapi.js';
import { OPERATIONS } from './operations-table.js';
import { errorSchema, eventPage, hospitalSchema, runDetail, runSummary } from '@consilium/operator-api';
import { loadOrCreateToken } from './token.js';

const RUN = {
  study: { name: 'Study', labels: ['normal', 'covid'] },
  mode: 'sealed',
  head: { kind: 'linear' },
  embeddingLength: 4,
  backbone: 'ab'.repeat(32),
  preprocessing: 'p-1',
};

let folder: string;
let coordinator: RunningCoordinator;
let token: string;
let log: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-api-'));
  const home = await openHome(join(folder, 'office'));
  await writeCard(home, 'test');
  const members = await TestMembers.open(home);
  for (const hospital of ['a', 'b']) await members.admit(hospital);
  log = '';
  coordinator = await openCoordinator({
    ...{ home, host: '127.0.0.1', port: 0, progress: () => undefined },
    log: pino({}, { write: (line: string) => (log += line) }),
  });
  token = await loadOrCreateToken(home.directory);
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly value: unknown;
}

async function ask(
  method: string,
  path: string,
  init: { body?: string; type?: string; token?: string } = {},
): Promise<Asked> {
  const response = await fetch(`${coordinator.url}${path}`, {
    method,
    headers: {
      ...(init.token === '' ? {} : { authorization: `Bearer ${init.token ?? token}` }),
      'content-type': init.type ?? 'application/yaml',
    },
    ...(init.body !== undefined && { body: init.body }),
  });
  const text = await response.text();
  expect(text).not.toContain(token);
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, headers: response.headers, value: isJson ? JSON.parse(text) : text };
}

const addresses = Object.keys(OPERATIONS).map((name) => name.split(' ') as [string, string]);

describe('the door', () => {
  const closed = addresses.filter(([method, path]) => OPERATIONS[`${method} ${path}`]?.needs !== 'nothing');
  it.each([...closed, ['GET', '/anything'] as [string, string]])(
    '%s %s is closed to strangers',
    async (method, path) => {
      const wrong = await ask(method, `/api/v1${path.replace('{run}', 'first')}`, { token: 'ab'.repeat(32) });
      // With so many of them, some are beyond the limit.
      expect([401, 429]).toContain(wrong.status);
      expect(['UNAUTHORIZED', 'RATE_LIMITED']).toContain(errorSchema.parse(wrong.value).code);
    },
  );

  it('answers a flood within a bound and still lets the operator in', async () => {
    const before = log.split('UNAUTHORIZED').length;
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('GET', '/api/v1/runs', { token: '' })));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(85);
    expect(log.split('UNAUTHORIZED').length - before).toBeLessThan(15);
    expect((await ask('GET', '/api/v1/runs')).status).toBe(200);
    expect(log).not.toContain(token);
  });

  it('guards the metrics, and not the health', async () => {
    expect([401, 429]).toContain((await ask('GET', '/metrics', { token: '' })).status);
    expect((await ask('GET', '/healthz', { token: '' })).value).toEqual({ status: 'ok' });
    expect(await ask('GET', '/readyz', { token: '' })).toMatchObject({
      status: 200,
      value: { leads: true, store: 'ok' },
    });
  });
});

describe('a run over the API', () => {
  const first = (asked: Asked) => runDetail.parse(asked.value);

  it('is begun from YAML, and a second one from JSON', async () => {
    const yaml = await ask('POST', '/api/v1/runs', { body: stringify({ run: 'first', ...RUN }) });
    expect(yaml.status, JSON.stringify(yaml.value)).toBe(201);
    expect(first(yaml)).toMatchObject({ run: 'first', status: 'running', phase: 'gathering', round: 1, history: [] });
    expect(first(yaml).hospitals.map(({ id }) => id)).toEqual(['a', 'b']);
    const json = await ask('POST', '/api/v1/runs', {
      body: JSON.stringify({ run: 'second', hospitals: ['b'], minHospitals: 1, ...RUN }),
      type: 'application/json',
    });
    expect(json.status).toBe(201);
    expect(first(json).hospitals.map(({ id }) => id)).toEqual(['b']);
    const listed = z.array(runSummary).parse((await ask('GET', '/api/v1/runs')).value);
    expect(listed.map(({ run }) => run)).toEqual(['second', 'first']);
  });

  it('has a name of its own, also when two ask at the same moment', async () => {
    const body = JSON.stringify({ run: 'twice', ...RUN });
    const both = await Promise.all([1, 2].map(() => ask('POST', '/api/v1/runs', { body })));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await ask('POST', '/api/v1/runs', { body })).value).toMatchObject({ code: 'RUN_EXISTS' });
  });

  it.each([
    ['no run file', '', 422, 'RUN_FILE_INVALID'],
    ['bad fields', JSON.stringify({ run: 'bad', ...RUN, rounds: 0 }), 422, 'RUN_FILE_INVALID'],
    ['not YAML', 'a: [', 422, 'RUN_FILE_INVALID'],
    ['a stranger', JSON.stringify({ run: 'bad', ...RUN, hospitals: ['nobody'] }), 422, 'TOO_FEW_ENROLLED'],
    ['too much', 'x'.repeat(300_000), 413, 'BODY_TOO_LARGE'],
  ])('is refused with %s', async (_, body, status, code) => {
    const refused = await ask('POST', '/api/v1/runs', { body });
    expect(refused).toMatchObject({ status, value: { code } });
    errorSchema.parse(refused.value);
  });

  it('names the bad fields', async () => {
    const body = JSON.stringify({ run: 'bad', ...RUN, rounds: 0, training: { epoch: 3 } });
    const { fields } = errorSchema.parse((await ask('POST', '/api/v1/runs', { body })).value);
    expect(fields?.map(({ field }) => field).sort()).toEqual(['rounds', 'training']);
  });

  it('is paused, resumed and aborted, again without harm, and then ended', async () => {
    for (const [decision, status] of [
      ['pause', 'paused'],
      ['pause', 'paused'],
      ['resume', 'running'],
      ['abort', 'aborted'],
    ]) {
      expect(first(await ask('POST', `/api/v1/runs/first/${String(decision)}`)).status).toBe(status);
    }
    expect(await ask('POST', '/api/v1/runs/first/resume')).toMatchObject({ status: 409, value: { code: 'RUN_ENDED' } });
    expect(first(await ask('GET', '/api/v1/runs/first'))).toMatchObject({ phase: 'ended', reason: 'STOPPED' });
    // The other one does not know of it.
    expect(first(await ask('GET', '/api/v1/runs/second')).status).toBe('running');
  });

  it('shows its log in pages', async () => {
    const whole = eventPage.parse((await ask('GET', '/api/v1/runs/first/events')).value);
    expect(whole.events.map(({ event }) => event.type)).toEqual(['restarted', 'pause', 'resume', 'stop']);
    const page = eventPage.parse((await ask('GET', '/api/v1/runs/first/events?from=1&limit=2')).value);
    expect(page).toEqual({ events: whole.events.slice(1, 3), next: 3 });
    for (const query of ['from=-1', 'limit=0', 'limit=1001', 'form=1']) {
      expect(await ask('GET', `/api/v1/runs/first/events?${query}`)).toMatchObject({
        status: 422,
        value: { code: 'QUERY_INVALID' },
      });
    }
  });

  it.each([
    ['GET', '/runs/none', 'RUN_UNKNOWN'],
    ['GET', '/runs/none/events', 'RUN_UNKNOWN'],
    ['POST', '/runs/none/pause', 'RUN_UNKNOWN'],
    ['GET', '/runs/first/model', 'MODEL_UNKNOWN'],
    ['GET', '/runs/first/model?round=best', 'MODEL_UNKNOWN'],
    ['GET', '/runs/..%2F..%2Fapi-token', 'RUN_UNKNOWN'],
    ['GET', '/nothing', 'NOT_FOUND'],
  ])('%s %s: %s', async (method, path, code) => {
    const answer = await ask(method, `/api/v1${path}`);
    expect(answer).toMatchObject({ status: 404, value: { code } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('the description', () => {
  it('is served, names every operation, and nothing that does not exist', async () => {
    const { value } = await ask('GET', '/api/v1/openapi.json');
    expect(value).toEqual(JSON.parse(JSON.stringify(openApi())));
    expect(Object.keys((value as { paths: object }).paths).every((path) => path.startsWith('/api/v1/'))).toBe(true);
    for (const [method, path] of addresses) {
      const { value: answer } = await ask(method, `/api/v1${path.replace('{run}', 'second')}`);
      expect((answer as { code?: string }).code, `${method} ${path}`).not.toBe('NOT_FOUND');
    }
  });

  it('says what hospitals look like', async () => {
    const hospitals = z.array(hospitalSchema).parse((await ask('GET', '/api/v1/hospitals')).value);
    expect(hospitals).toMatchObject([
      { id: 'a', connected: false, lastSeen: null },
      { id: 'b', connected: false, lastSeen: null },
    ]);
  });
});
