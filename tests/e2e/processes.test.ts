/**
 * Claims: (1) a hospital that is killed in the middle of a run stops nobody: the round names it, the others finish, the
 * demonstration ends with status 0 and says who was lost and how; (2) an interruption while images are drawn, while they
 * are embedded, or between rounds ends every process with status 130; (3) what it leaves can be used by the next one.
 * Oracle: the system's process table.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { processesNaming, startProgram, type RunningProgram } from '../support/programs.js';
import { writeCleanFolder } from '../support/xray-folder.js';

// Whole demonstrations: on a busy machine each takes a minute.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let directory: string;
let out: string;
let current: RunningProgram | undefined;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-processes-'));
  out = join(directory, 'out');
  await writeCleanFolder(join(directory, 'films'), ['a', 'b', 'c', 'd'], 4);
});
afterAll(async () => {
  // Only after a failed test is anything left here, and only what it started.
  current?.child.kill('SIGKILL');
  for (const { pid } of await processesNaming(out)) process.kill(pid, 'SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function demo(...args: string[]): RunningProgram {
  current = startProgram('demo', ['--out', out, '--format', 'json', ...args], directory);
  return current;
}

/** As a terminal does at Ctrl-C: to the whole group. Some senders know only the one process. */
function interrupt({ child }: RunningProgram, whom: 'group' | 'process'): void {
  if (child.pid === undefined) throw new Error('it did not start');
  process.kill(whom === 'group' ? -child.pid : child.pid, 'SIGINT');
}

const FILMS = ['--data', 'films', '--rounds', '30', '--epochs', '1'];

// One folder, one test after the other: each starts on what the one before it left.
describe('an interrupted demonstration', () => {
  it.each([
    ['while it draws', 'process', ['--images', '200'], /drawing synthetic X-rays/],
    ['while a hospital reads its images', 'group', FILMS, /the roster is compared/],
    ['between rounds', 'group', FILMS, /round 2 averaged/],
  ] as const)('%s (SIGINT to the %s) leaves no process', async (_, whom, args, moment) => {
    const program = demo(...args);
    await program.printed(moment);
    expect((await processesNaming(out)).length).toBeGreaterThan(1);
    interrupt(program, whom);
    const { status, stdout, stderr } = await program.ended;
    expect(stderr).toContain('INTERRUPTED: ');
    // Its parts did not fail: they were ended.
    expect(stderr).not.toMatch(/is lost|TOO_FEW_HOSPITALS|COORDINATOR_FAILED|SETUP_FAILED/);
    expect(stdout).toBe('');
    expect(status).toBe(130);
    expect(await processesNaming(out)).toEqual([]);
  });
});

describe('a hospital that is killed in the middle of a run', () => {
  it('ends it where two are left: each would know the other from the sum', async () => {
    const program = demo(...FILMS, '--hospitals', '3');
    await program.printed(/round 2 averaged/);
    const hospitals = (await processesNaming(out)).filter(({ args }) => args.includes('consilium-hospital.js start'));
    expect(hospitals).toHaveLength(3);
    process.kill(hospitals[1]?.pid ?? 0, 'SIGKILL');
    const { status, stderr } = await program.ended;
    expect(stderr).toMatch(/^TOO_FEW_HOSPITALS: [a-d]: ended by SIGKILL$/m);
    expect(status).not.toBe(0);
    expect(await processesNaming(out)).toEqual([]);
  });

  it('is named, and the others finish', async () => {
    const program = demo(...FILMS);
    await program.printed(/round 2 averaged/);
    const hospitals = (await processesNaming(out)).filter(({ args }) => args.includes('consilium-hospital.js start'));
    expect(hospitals).toHaveLength(4);
    const victim = hospitals.find(({ args }) => args.includes(join('hospitals', 'b')));
    if (victim === undefined) throw new Error('hospital b has no process');
    process.kill(victim.pid, 'SIGKILL');
    const { status, stdout, stderr } = await program.ended;
    expect(stderr).toContain('b is lost: ended by SIGKILL');
    expect(stderr).toMatch(/^LOST b: ended by SIGKILL$/m);
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as {
      rounds: { hospitals: { id: string }[]; missing: string[] }[];
      hospitals: { id: string }[];
      lost: { id: string; why: string }[];
    };
    expect(result.lost).toEqual([{ id: 'b', why: 'ended by SIGKILL' }]);
    expect(result.hospitals.map(({ id }) => id)).toEqual(['a', 'c', 'd']);
    expect(result.rounds).toHaveLength(30);
    expect(result.rounds.at(0)?.hospitals.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(result.rounds.at(-1)?.hospitals.map(({ id }) => id)).toEqual(['a', 'c', 'd']);
    // It is missed at most where it had joined; after that it is not waited for.
    const missed = result.rounds.filter(({ missing }) => missing.length > 0);
    expect(missed.length).toBeLessThanOrEqual(1);
    for (const { missing } of missed) expect(missing).toEqual(['b']);
    expect(await processesNaming(out)).toEqual([]);
  });
});
