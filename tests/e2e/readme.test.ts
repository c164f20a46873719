/**
 * Claims: every command of the README's sections on joining and coordinating works as printed, in the order printed, with
 * the files printed, and ends with a finished run; every npm script and every path that the README names exists.
 * Oracle: the README itself.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoHospitals, writeHospitalFolder } from '@consilium/phantom';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'))].map(([, code]) =>
    (code as string).replaceAll(/^ {3}/gm, ''),
  );
const commands = (): string[] =>
  blocks('sh').flatMap((block) => block.split('\n').filter((line) => line.startsWith('npx consilium-')));

let consortium: string;
let coordinator: ChildProcess | undefined;
beforeAll(async () => {
  consortium = await mkdtemp(join(tmpdir(), 'consilium-readme-'));
});
afterAll(async () => {
  coordinator?.kill();
  await rm(consortium, { recursive: true });
});

/** A command of the README as program and arguments; only the folder is another one. */
function words(line: string): string[] {
  const [, program, rest = ''] = /^npx consilium-(\w+) (.*)$/.exec(line) ?? [];
  if (program === undefined) throw new Error(`not a command of ours: ${line}`);
  const args = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const bin = join(root, 'apps', program, 'bin', `consilium-${program}.js`);
  return [bin, ...args.map((arg) => arg.replace(/^consortium/, consortium))];
}

const run = (line: string, ...more: string[]) =>
  promisify(execFile)(process.execPath, [...words(line), ...more], { cwd: root });

const find = (lines: readonly string[], part: string): string => {
  const line = lines.find((one) => one.includes(part));
  if (line === undefined) throw new Error(`the README has no command with ${part}`);
  return line;
};

describe('README', () => {
  it('names scripts and paths that exist', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm (?:run )?(demo|test|bench|build|lint)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(named));
    const paths = [...readme.matchAll(/`((?:libs|apps|tests|deploy)\/[\w./-]+)`|\]\(((?!http)[\w./-]+)\)/g)];
    expect(paths.length).toBeGreaterThan(5);
    for (const [, code, link] of paths) expect(existsSync(join(root, code ?? link ?? '')), code ?? link).toBe(true);
  });

  it('lets three hospitals join and finish a run, command by command', async () => {
    const steps = commands();
    const [coordinate, backbone] = [find(steps, 'coordinator run'), find(steps, 'hospital backbone')];
    const start = find(steps, 'hospital start');
    const parts = ['data check', 'hospital doctor', 'release export', 'hospital predict'];
    const [check, doctor, release, predict] = parts.map((part) => find(steps, part)) as [
      string,
      string,
      string,
      string,
    ];
    const later = [coordinate, backbone, start, check, doctor, release, predict];
    for (const line of steps) if (!later.includes(line)) await run(line);
    const { stdout } = await run(`${backbone} show`, '--format', 'json');
    const card = JSON.parse(stdout) as { hash: string; preprocessing: string };
    const [hospitalYaml = '', runYaml = ''] = blocks('yaml');
    const runFile = runYaml.replace('BACKBONE_HASH', card.hash).replace('PREPROCESSING', card.preprocessing);
    await writeFile(join(consortium, 'run.yaml'), runFile);

    const args = [...words(coordinate), '--port', '0', '--format', 'json'];
    const office = spawn(process.execPath, args, { cwd: root });
    coordinator = office;
    const officeEnd = new Promise<number | null>((resolve) => office.once('close', resolve));
    const url = await new Promise<string>((resolve) => {
      office.stdout.on('data', (chunk: Buffer) => {
        const [, listening] = /"url":"([^"]+)"/.exec(chunk.toString()) ?? [];
        if (listening !== undefined) resolve(listening);
      });
    });
    await Promise.all(
      demoHospitals(3, 'readme').map(async (hospital, i) => {
        const name = ['north', 'south', 'east'][i] ?? '';
        const home = join(consortium, name);
        await writeHospitalFolder({ directory: join(home, 'images'), hospital, images: 12, seed: 'readme' });
        await writeFile(join(home, 'hospital.yaml'), hospitalYaml.replace('http://127.0.0.1:7433', url));
        if (name === 'north') for (const line of [check, doctor]) await run(line);
        await run(start.replace('north', name));
      }),
    );
    expect(await officeEnd).toBe(0);
    expect(await readdir(join(consortium, 'office', 'models', 'example-1'))).toHaveLength(5);
    const results = await readdir(join(consortium, 'north', 'results'));
    expect(results).toEqual(expect.arrayContaining(['example-1.json', 'example-1.report.html']));
    expect(await readFile(join(consortium, 'north', 'check.html'), 'utf8')).toContain('12 usable');
    for (const line of [release, predict]) await run(line);
    expect(await readdir(join(consortium, 'model'))).toEqual(expect.arrayContaining(['model.onnx', 'model-card.md']));
    expect(
      (await readFile(join(consortium, 'predictions', 'predictions.csv'), 'utf8')).trim().split('\n'),
    ).toHaveLength(13);
  }, 240_000);
});
