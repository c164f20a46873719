/**
 * Claims: a coordinator whose store cannot give back one of two open runs starts all the same, leads the other one, and shows
 * the broken one as failed with its code: in the list, and to whoever would pause it. Oracle: a whole coordinator over HTTP, and
 * a log to which the test has added what is no event.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { errorSchema, runDetail, runSummary } from '@consilium/operator-api';
import { openEmbeddedStore, type Lease } from '@consilium/store';
import { openHome, writeCard, type Home } from '../home.js';
import { TestMembers } from '../membership/test-members.js';
import type { Progress } from '../run/progress.js';
import { openCoordinator } from '../server.js';
import { loadOrCreateToken } from './token.js';

const RUN = {
  study: { name: 'Study', labels: ['normal', 'covid'] },
  ...{ mode: 'sealed', head: { kind: 'linear' }, embeddingLength: 4, backbone: 'ab'.repeat(32), preprocessing: 'p-1' },
};

/** A coordinator for the time of this work. */
async function serving(
  home: Home,
  work: (ask: (method: string, path: string, body?: string) => Promise<unknown>, said: Progress[]) => Promise<void>,
): Promise<void> {
  const said: Progress[] = [];
  const coordinator = await openCoordinator({
    ...{ home, host: '127.0.0.1', port: 0, log: pino({ enabled: false }) },
    progress: (step) => said.push(step),
  });
  const authorization = `Bearer ${await loadOrCreateToken(home.directory)}`;
  try {
    await work(async (method, path, body) => {
      const headers = { authorization, 'content-type': 'application/yaml' };
      const response = await fetch(`${coordinator.url}/api/v1/runs${path}`, { method, headers, body: body ?? null });
      return response.json();
    }, said);
  } finally {
    await coordinator.close();
  }
}

it('is shown, and keeps no other run from going on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-failed-run-'));
  const home = await openHome(join(folder, 'office'));
  await writeCard(home, 'test');
  const members = await TestMembers.open(home);
  for (const hospital of ['a', 'b']) await members.admit(hospital);
  await serving(home, async (ask) => {
    for (const run of ['whole', 'torn']) runDetail.parse(await ask('POST', '', stringify({ ...RUN, run })));
  });

  const store = await openEmbeddedStore(join(home.directory, 'store'));
  const lease = (await store.acquireLease('test', 1_000)) as Lease;
  const events = (await store.runs()).find(({ runId }) => runId === 'torn')?.events ?? 0;
  await store.append(lease, 'torn', events, [{ event: 'no event' }]);
  await store.releaseLease(lease);
  await store.close();

  await serving(home, async (ask, said) => {
    const runs = z.array(runSummary).parse(await ask('GET', ''));
    expect(runs.map(({ run, status, failure }) => [run, status, failure])).toEqual([
      ['torn', 'failed', 'INTERNAL'],
      ['whole', 'running', undefined],
    ]);
    expect(said).toContainEqual({ event: 'run-failed', run: 'torn', code: 'INTERNAL' });
    expect(runDetail.parse(await ask('POST', '/whole/pause')).status).toBe('paused');
    expect(errorSchema.parse(await ask('POST', '/torn/pause'))).toMatchObject({ code: 'NOT_LEADING' });
  });
  await rm(folder, { recursive: true });
});
