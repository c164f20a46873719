/**
 * Claims: every command of the README's sections on joining and coordinating works as printed, in the order printed, with
 * the files printed, asks nothing where there is no terminal, and ends with a finished run; from nothing to approved it takes
 * six, and both sides see the same words of the full roster; every npm script and every path that the README names exists.
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

const blocks = (language: string, text: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code as string);
/** The commands between two headings, in their order. */
function section(from: string, to: string): string[] {
  const text = readme.slice(readme.indexOf(from), readme.indexOf(to));
  return blocks('sh', text).flatMap((block) => block.trim().split('\n'));
}

const HOSPITALS = ['north', 'south', 'east'];

let consortium: string;
let coordinator: ChildProcess | undefined;
let officeUrl: string;
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

/** Nobody is there to answer a question. */
async function run(line: string, ...more: string[]): Promise<{ stdout: string }> {
  const running = promisify(execFile)(process.execPath, [...words(line), ...more], { cwd: root });
  running.child.stdin?.end();
  return running;
}

async function startOffice(line: string): Promise<void> {
  const office = spawn(process.execPath, [...words(line), '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  coordinator = office;
  officeUrl = await new Promise((resolve, reject) => {
    office.stdout.on('data', (chunk: Buffer) => {
      const [, url] = /listening on (http\S+)/.exec(chunk.toString()) ?? [];
      if (url !== undefined) resolve(url);
    });
    office.once('close', reject);
  });
}

const lineOf = (label: string, said = ''): string =>
  new RegExp(`^${label}: (.*?)(?:  \\(.*)?$`, 'm').exec(said)?.[1] ?? '';

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

  it('lets a hospital join in six commands, and shows both sides the same words', async () => {
    const steps = section('How a hospital joins', '### And takes part');
    expect(steps.length).toBeLessThanOrEqual(6);
    const [init, serve, invite, join, approve, verify] = steps as [string, string, string, string, string, string];
    await run(init);
    await startOffice(serve);
    const each = async (line: string) => {
      const said = new Map<string, string>();
      for (const name of HOSPITALS) said.set(name, (await run(line.replaceAll('north', name))).stdout);
      return said;
    };
    const invited = await each(invite);
    const joined = await each(join);
    for (const name of HOSPITALS) {
      const code = lineOf('code', invited.get(name));
      expect(code.split(' ')).toHaveLength(6);
      expect(lineOf('code', joined.get(name))).toBe(code);
      expect(joined.get(name)).toContain('provisional: ');
    }
    // The last one to join saw everybody; the others look again, on either side.
    const roster = lineOf('roster', joined.get('east'));
    expect(roster.split(' ')).toHaveLength(12);
    expect(roster).not.toBe(lineOf('roster', joined.get('north')));
    const home = (name: string): string => `--home consortium/${name}`;
    const looked = [`coordinator hospitals list ${home('office')}`, `hospital membership ${home('north')}`];
    for (const line of looked) expect(lineOf('roster', (await run(`npx consilium-${line}`)).stdout)).toBe(roster);
    for (const [name, said] of await each(approve)) {
      expect(said).toContain(`${name} is active`);
      expect(lineOf('roster', said)).toBe(roster);
    }
    // North has just looked; the others have seen fewer, and say nothing of a roster that was not before their eyes.
    for (const name of ['south', 'east']) await run(`npx consilium-hospital membership ${home(name)}`);
    for (const said of (await each(verify)).values()) {
      expect(said).toMatch(/^active$/m);
      expect(lineOf('roster', said)).toBe(roster);
      expect(lineOf('compared here', said)).toBe('yes');
    }
  }, 480_000);

  it('lets those hospitals finish a run, command by command', async () => {
    const [check, doctor, start, release, predict] = section('### And takes part', '## How a coordinator runs') as [
      ...[string, string, string, string, string],
    ];
    const [backbone, begin] = section('## How a coordinator runs', '## How an auditor checks') as [string, string];
    const { stdout } = await run(`${backbone} show`, '--format', 'json');
    const card = JSON.parse(stdout) as { hash: string; preprocessing: string };
    const [hospitalYaml = '', runYaml = ''] = blocks('yaml', readme);
    const runFile = runYaml.replace('BACKBONE_HASH', card.hash).replace('PREPROCESSING', card.preprocessing);
    await writeFile(join(consortium, 'run.yaml'), runFile);
    expect(await readFile(join(consortium, 'north', 'hospital.yaml'), 'utf8')).toBe(
      `coordinator: ${officeUrl}\ndata: images\n`,
    );
    await run(begin);
    await Promise.all(
      demoHospitals(3, 'readme').map(async (hospital, i) => {
        const name = HOSPITALS[i] ?? '';
        const home = join(consortium, name);
        await writeHospitalFolder({ directory: join(home, 'images'), hospital, images: 12, seed: 'readme' });
        // The others have it as `join` wrote it.
        if (name === 'north') {
          await writeFile(join(home, 'hospital.yaml'), hospitalYaml.replace('http://127.0.0.1:7433', officeUrl));
          for (const line of [check, doctor]) await run(line);
        }
        await run(start.replace('north', name));
      }),
    );
    expect(await readdir(join(consortium, 'office', 'models', 'example-1'))).toHaveLength(5);
    const results = await readdir(join(consortium, 'north', 'results'));
    expect(results).toEqual(expect.arrayContaining(['example-1.json', 'example-1.report.html']));
    expect(await readFile(join(consortium, 'north', 'check.html'), 'utf8')).toContain('12 usable');
    for (const line of [release, predict]) await run(line);
    expect(await readdir(join(consortium, 'model'))).toEqual(expect.arrayContaining(['model.onnx', 'model-card.md']));
    expect(
      (await readFile(join(consortium, 'predictions', 'predictions.csv'), 'utf8')).trim().split('\n'),
    ).toHaveLength(13);
  }, 480_000);
});
