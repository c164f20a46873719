/**
 * Claims: whatever is wrong with what a person typed or handed over, the program ends with the documented exit status and
 * one last line `CODE: sentence` on standard error that names the thing to change, shows no stack, and leaves the person's
 * files alone; a hospital without a coordinator waits and says so. Oracle: the table of codes and statuses written here.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHome } from '@consilium/coordinator';
import { occupyPort, runProgram, startProgram, type Ending, type PROGRAMS } from '../support/programs.js';
import { writeCleanFolder } from '../support/xray-folder.js';
import { joinAll } from '../support/members.js';

let directory: string;
const path = (...names: string[]): string => join(directory, ...names);

async function manifest(folder: string, text: string): Promise<void> {
  await mkdir(path(folder), { recursive: true });
  await writeFile(path(folder, 'manifest.csv'), text);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-bad-'));
  // Enough for whatever fails before an image is read.
  await manifest('named', 'image,label,site\na.png,normal,a\nb.png,covid,b\nc.png,covid,c\n');
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const run = (program: keyof typeof PROGRAMS, ...args: string[]): Promise<Ending> =>
  runProgram(program, args, directory);

/** @param sentence - what the complaint must contain, so that the person knows what to change. */
function expectComplaint({ status, stderr }: Ending, expected: number, code: string, ...sentence: string[]): void {
  const complaint = stderr.split('\n').find((line) => line.startsWith(`${code}: `));
  expect(complaint, stderr).toBeDefined();
  for (const part of sentence) expect(complaint).toContain(part);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(expected);
}

describe('the options of the demonstration', () => {
  it.concurrent.each([
    ['an unknown option', ['--bogus'], '--bogus'],
    ['no rounds', ['--rounds', '0'], '--rounds'],
    ['a port that no machine has', ['--port', '65536'], '--port'],
    ['an unknown head', ['--head', 'deep'], 'linear, mlp'],
    ['a stray argument', ['stray'], 'too many arguments'],
  ])('refuses %s', async (_, args, sentence) => {
    expectComplaint(await run('demo', ...args), 2, 'BAD_OPTION', sentence);
  });

  it('refuses a folder with other files, also one that holds only a folder `images`, and leaves them there', async () => {
    await mkdir(path('own', 'images'), { recursive: true });
    await writeFile(path('own', 'images', 'thesis.txt'), 'years of work');
    expectComplaint(await run('demo', '--out', 'own'), 2, 'OUT_NOT_OURS', path('own'), 'images', '--out');
    expect(await readFile(path('own', 'images', 'thesis.txt'), 'utf8')).toBe('years of work');
    expect(await readdir(path('own'))).toEqual(['images']);
  });

  it('refuses to write into a file', async () => {
    await writeFile(path('file'), '');
    expectComplaint(await run('demo', '--out', 'file'), 2, 'OUT_UNUSABLE', path('file'), '--out');
  });

  it('refuses images that it would clear', async () => {
    await manifest(join('cleared', 'images'), 'image,label,site\na.png,normal,a\n');
    const ending = await run('demo', '--out', 'cleared', '--data', 'cleared/images');
    expectComplaint(ending, 2, 'BAD_OPTION', '--data', '--out');
    expect(await readdir(path('cleared', 'images'))).toEqual(['manifest.csv']);
  });

  it('refuses weights that are not safetensors', async () => {
    await writeFile(path('weights.safetensors'), 'no weights');
    const args = ['--out', 'weights', '--data', 'named', '--backbone', 'weights.safetensors'];
    expectComplaint(await run('demo', ...args), 5, 'WEIGHTS_INVALID', 'safetensors');
  });
});

describe('a folder of images', () => {
  it.concurrent.each([
    ['no manifest', undefined, 'MANIFEST_MISSING', 'no manifest.csv'],
    ['no column for the site', 'image,label\na.png,normal\n', 'DATA_UNUSABLE', '"site"'],
    ['a split that is none', 'image,label,site,split\na.png,normal,a,tset\n', 'MANIFEST_INVALID', 'line 2'],
    ['no row', 'image,label,site\n', 'DATA_UNUSABLE', 'no image'],
    ['one label', 'image,label,site\na.png,normal,a\nb.png,normal,b\n', 'DATA_UNUSABLE', 'one label'],
  ])('with %s is refused before anything is written', async (name, text, code, sentence) => {
    const folder = name.replaceAll(' ', '-');
    if (text === undefined) await mkdir(path(folder));
    else await manifest(folder, text);
    expectComplaint(await run('demo', '--data', folder, '--out', 'unused'), 5, code, sentence, path(folder));
    expect(await readdir(directory)).not.toContain('unused');
  });

  it('without a usable image ends the demonstration with the name of the hospital and the reasons', async () => {
    const rows = ['north', 'south', 'east'].flatMap((site) => [
      `${site}1.png,normal,${site}`,
      `${site}2.png,covid,${site}`,
    ]);
    await manifest('unusable', ['image,label,site', ...rows, ''].join('\n'));
    const ending = await run('demo', '--data', 'unusable', '--out', 'unusable-out');
    expectComplaint(ending, 5, 'TOO_FEW_HOSPITALS', 'NO_USABLE_IMAGES', 'none of 2 images', 'FILE_MISSING 2');
    expect(ending.stderr).toMatch(/^TOO_FEW_HOSPITALS: (north|south|east): /m);
  });
});

describe('a port in use', () => {
  it('ends the coordinator and the demonstration with its number', async () => {
    const { port, close } = await occupyPort();
    try {
      const ending = await run('demo', '--data', 'named', '--out', 'port-out', '--port', String(port));
      expectComplaint(ending, 3, 'PORT_IN_USE', `port ${port} on 127.0.0.1`, '--port');
    } finally {
      await close();
    }
  });
});

describe('a coordinator and a hospital that are set up badly', () => {
  beforeAll(async () => {
    expect((await run('coordinator', 'init', '--home', 'c')).status).toBe(0);
    await joinAll(await openHome(path('c')), ['clinic'], () => path('h'));
    await cp(path('h'), path('cardless'), { recursive: true });
    await rm(path('cardless', 'coordinator-card.json'));
  });

  it.concurrent.each([
    ['coordinator', ['bogus'], 'BAD_OPTION', 'bogus'],
    ['coordinator', ['run'], 'BAD_OPTION', 'run-file'],
    ['coordinator', ['run', 'none.yaml', '--home', 'c'], 'RUN_FILE_INVALID', 'none.yaml'],
    ['coordinator', ['invite', 'north', '--home', 'elsewhere'], 'NOT_INITIALISED', 'init'],
    ['coordinator', ['invite', 'Not A Name', '--home', 'c', '--address', 'http://h'], 'HOSPITAL_UNKNOWN', 'a-z'],
    ['hospital', ['start', '--format', 'xml'], 'BAD_OPTION', 'text, json'],
    ['hospital', ['start', '--home', 'elsewhere'], 'NOT_INITIALISED', 'consilium-hospital join'],
    ['hospital', ['start', '--home', 'cardless'], 'CARD_MISSING', 'consilium-hospital join'],
    ['hospital', ['join', 'h/enrolment.json', '--home', 'elsewhere'], 'INVITATION_INVALID', 'enrolment.json'],
  ] as const)('%s %j: %s', async (program, args, code, sentence) => {
    expectComplaint(await run(program, ...args), 2, code, sentence);
    expect(await readdir(directory)).not.toContain('elsewhere');
  });

  it('a run file with bad fields names each of them', async () => {
    const run1 = { run: 'r', study: { name: 's', labels: ['a', 'b'] }, mode: 'sealed', head: { kind: 'linear' } };
    const fields = { ...run1, backbone: 'ab', preprocessing: 'p', rounds: 0, training: { epoch: 3 } };
    // JSON is YAML.
    await writeFile(path('bad.yaml'), JSON.stringify(fields));
    const ending = await run('coordinator', 'run', 'bad.yaml', '--home', 'c');
    expectComplaint(ending, 2, 'RUN_FILE_INVALID', 'backbone:', 'rounds:', 'training:', '"epoch"');
  });

  it.skipIf(process.platform === 'win32')('a key that others may read is not used', async () => {
    await chmod(path('h', 'identity.key'), 0o644);
    const ending = await run('hospital', 'start', '--home', 'h');
    expectComplaint(ending, 2, 'KEY_FILE_OPEN_TO_OTHERS', 'identity.key', '644');
    await chmod(path('h', 'identity.key'), 0o600);
    await chmod(path('c', 'coordinator.key'), 0o640);
    const invite = await run('coordinator', 'invite', 'north', '--home', 'c');
    expectComplaint(invite, 2, 'KEY_FILE_OPEN_TO_OTHERS', 'coordinator.key', '640');
    await chmod(path('c', 'coordinator.key'), 0o600);
  });

  it('a hospital whose coordinator is not there goes on trying, and says so', async () => {
    const { port, close } = await occupyPort();
    await close();
    await writeCleanFolder(path('waiting'), ['a'], 2);
    const config = { coordinator: `http://127.0.0.1:${port}`, data: '../waiting' };
    await writeFile(path('h', 'hospital.yaml'), JSON.stringify(config));
    const node = startProgram('hospital', ['start', '--home', 'h'], directory);
    const line =
      'the coordinator does not answer; trying again with growing pauses: nothing listens there \\(NOTHING_LISTENS\\)\\n';
    await node.printed(new RegExp(`${line}[^]*${line}`));
    node.child.kill('SIGTERM');
    expect((await node.ended).status).toBe(130);
  });
});
