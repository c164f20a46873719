/**
 * Claims: `stop --now` ends a hospital within a second also while it decodes and embeds images, with no coordinator anywhere; no
 * part of it goes on; the service stays ended, and a person's start begins again.
 * Oracle: the time at which the wish was written down, and the system's table of processes.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHome } from '@consilium/coordinator';
import { joinAll } from '../support/members.js';
import { processesNaming, runProgram, startProgram } from '../support/programs.js';
import { writeCleanFolder } from '../support/xray-folder.js';

let directory: string;
let home: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-stop-'));
  home = join(directory, 'north');
  await writeCleanFolder(join(directory, 'images'), ['a'], 90);
  await joinAll(await openHome(join(directory, 'office')), ['north'], () => home);
  const config = { coordinator: 'http://127.0.0.1:9', data: '../images', threads: 2 };
  await writeFile(join(home, 'hospital.yaml'), JSON.stringify(config));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it('stops while images are read', { timeout: 240_000 }, async () => {
  const node = startProgram('hospital', ['start', '--home', home, '--format', 'json'], directory);
  await node.printed(/"event":"embedding","done":[3-9],/);
  const endedMs = node.ended.then(() => Date.now());
  const stopped = await runProgram('hospital', ['stop', '--now', '--home', home, '--format', 'json'], directory);
  expect((JSON.parse(stopped.stdout) as { ending: string }).ending).toMatch(/ended|killed/);
  // The first thing that the command does is to write down what was wished: its own start does not count.
  expect((await endedMs) - (await stat(join(home, 'stopped'))).mtimeMs).toBeLessThan(1_000);
  const { stdout } = await node.ended;
  expect(stdout).not.toContain('"event":"data"');
  expect((await processesNaming(home)).map(({ args }) => args)).toEqual([]);
  const service = await runProgram('hospital', ['start', '--service', '--home', home], directory);
  expect(service).toMatchObject({ status: 8, stderr: expect.stringMatching(/^STOPPED: /) as string });
});
