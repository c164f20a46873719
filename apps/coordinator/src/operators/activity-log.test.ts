/**
 * Claims: an entry is in the file when it resolves; a line that was changed, removed, added or moved breaks the chain at its
 * place, and that is written down; half a line of a crash is removed; time never goes back; what cannot be written is an
 * error. Oracle: the file, changed by hand.
 */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActivityLog, activityFile, readChain } from './activity-log.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-activity-'));
});
afterEach(() => rm(home, { recursive: true }));

const by = { kind: 'operator', name: 'olga', role: 'owner' } as const;
const text = (): Promise<string> => readFile(activityFile(home), 'utf8');

async function filled(count = 5): Promise<void> {
  const log = await ActivityLog.open(home);
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      log.record({ by, action: 'run.pause', outcome: 'allowed', run: `r${i}`, detail: { note: 'naïve \u202e' } }),
    ),
  );
  await log.close();
}

describe('the chain', () => {
  it('is whole, in order and on the disk', async () => {
    await filled();
    const { entries, brokenAt } = readChain(await text());
    expect(brokenAt).toBeUndefined();
    expect(entries.map(({ seq, run }) => [seq, run])).toEqual([0, 1, 2, 3, 4].map((i) => [i, `r${i}`]));
    await filled(1);
    expect(readChain(await text())).toMatchObject({ brokenAt: undefined, entries: { length: 6 } });
  });

  it.each<[string, (lines: string[]) => string[], number]>([
    ['changed', (lines) => lines.map((line, i) => (i === 2 ? line.replace('olga', 'eve') : line)), 3],
    ['removed', (lines) => lines.filter((_, i) => i !== 2), 3],
    ['moved', ([a = '', b = '', ...rest]) => [b, a, ...rest], 1],
    ['added', (lines) => [...lines.slice(0, 3), lines[1] ?? '', ...lines.slice(3)], 4],
    ['not JSON', (lines) => lines.map((line, i) => (i === 3 ? 'x' : line)), 4],
  ])('is broken by a line that was %s', async (_, change, line) => {
    await filled();
    const lines = (await text()).trimEnd().split('\n');
    await writeFile(activityFile(home), `${change(lines).join('\n')}\n`);
    expect(readChain(await text()).brokenAt).toBe(line);
    const log = await ActivityLog.open(home);
    expect(log.entries.at(-1)).toMatchObject({ action: 'activity.damaged', detail: { line } });
    await log.close();
  });

  it('has no half a line after a crash', async () => {
    await filled(2);
    await appendFile(activityFile(home), '{"seq":2,"at":"2026');
    await filled(1);
    expect(readChain(await text())).toMatchObject({ brokenAt: undefined, entries: { length: 3 } });
  });

  it('does not go back with the clock', async () => {
    const clock = { now: new Date('2026-01-02T00:00:00Z') };
    const log = await ActivityLog.open(home, () => clock.now);
    await log.record({ by, action: 'a.b', outcome: 'allowed' });
    clock.now = new Date('2026-01-01T00:00:00Z');
    await log.record({ by, action: 'a.b', outcome: 'allowed' });
    expect(log.entries.map(({ at }) => at)).toEqual(['2026-01-02T00:00:00.000Z', '2026-01-02T00:00:00.000Z']);
    await log.close();
    await expect(log.record({ by, action: 'a.b', outcome: 'allowed' })).rejects.toThrow('closed');
  });
});
