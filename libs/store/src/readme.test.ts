/** Claim: the example of README.md compiles, runs and says the truth. Oracle: the README's own text. */
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbeddedStore } from './index.js';

it('runs the example of the README', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-readme-'));
  const config = '{}';
  const replayed: string[] = [];
  const replay = (seq: number, event: string): void => void replayed.push(`${seq} ${event}`);
  // example
  const store = await openEmbeddedStore(folder);
  const lease = await store.acquireLease('coordinator-1', 10_000); // undefined while another leads
  if (lease === undefined) throw new Error('another coordinator leads');
  await store.createRun(lease, { runId: 'run-7', config, createdAt: '2026-03-01T09:00:00.000Z' });
  await store.append(lease, 'run-7', 0, [{ event: '{"type":"joined","hospital":"north"}' }]);
  // Durable here: now perform the effects. After a restart, the same events in the same order:
  for await (const { seq, event } of store.events('run-7')) replay(seq, event);
  await store.close();
  // end
  expect(replayed).toEqual(['0 {"type":"joined","hospital":"north"}']);
  await rm(folder, { recursive: true });

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
