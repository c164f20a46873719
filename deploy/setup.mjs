/**
 * Runs before the product's commands, on a machine that may have nothing but Node and npm: checks the Node version,
 * installs what is missing or stale (`npm ci`), and with `--build [project...]` compiles them, or all, and makes the
 * console's page when its sources are newer. Plain Node: nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (text) => process.stderr.write(`${text}\n`);

/** The ranges of "engines" in package.json, written so that even an old Node reads them. */
export function nodeVersionFault(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  return fits
    ? undefined
    : `NODE_VERSION: Consilium needs Node 20.19, 22.12, 24 or newer, and this is ${version}; install one from nodejs.org`;
}

/** @returns Why `npm ci` is needed, or undefined. npm itself keeps a record of what it installed. */
export function dependencyFault(lockFile, installedFile) {
  if (!existsSync(installedFile)) return 'missing';
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const installed = read(installedFile);
  for (const [path, { version, optional, link }] of Object.entries(read(lockFile))) {
    if (!path.startsWith('node_modules/') || link) continue;
    const found = installed[path];
    // Optional packages are those of other platforms.
    if (found === undefined ? !optional : found.version !== version) return 'stale';
  }
  return undefined;
}

function run(what, command, args, output) {
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: ['ignore', output, 'inherit'] });
  if (status === 0) return;
  say(`SETUP_FAILED: ${what} ended with ${signal ?? `status ${status}`}; the lines above say why`);
  process.exit(signal === 'SIGINT' ? 130 : 1);
}

/** @returns A digest of all files that the page is made of, so that a change in any of them, or its absence, is seen. */
function consoleSources() {
  const page = join(root, 'apps', 'console');
  const folders = [join(page, 'src'), join(page, 'public'), join(root, 'libs', 'operator-api', 'src')];
  const inside = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const files = [
    ...folders.filter(existsSync).flatMap(inside),
    ...['index.html', 'vite.config.js', 'package.json'].map((name) => join(page, name)),
    join(root, 'package-lock.json'),
  ];
  const digest = createHash('sha256');
  for (const file of files.sort()) digest.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  return digest.digest('hex');
}

function makeConsole() {
  const dist = join(root, 'apps', 'console', 'dist');
  const stamp = join(dist, '.made-of');
  const sources = consoleSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  say('Making the console (some seconds) ...');
  rmSync(stamp, { force: true });
  rmSync(join(dist, 'assets'), { recursive: true, force: true });
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  run('making the console', process.execPath, [vite, 'build', '--config', 'apps/console/vite.config.js'], 2);
  writeFileSync(stamp, sources);
}

function main(args) {
  const versionFault = nodeVersionFault(process.versions.node);
  if (versionFault !== undefined) {
    say(versionFault);
    process.exit(1);
  }
  const fault = dependencyFault(join(root, 'package-lock.json'), join(root, 'node_modules', '.package-lock.json'));
  if (fault !== undefined) {
    say(`Dependencies are ${fault}: running npm ci (once, about a minute) ...`);
    const npm = process.env.npm_execpath;
    const ci = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
    // npm's own lines go to standard error: standard output belongs to the command that follows.
    if (npm === undefined) run('npm ci', 'npm', ci, 2);
    else run('npm ci', process.execPath, [npm, ...ci], 2);
  }
  if (args[0] === '--build') {
    if (!existsSync(join(root, 'apps', 'demo', 'dist', '.tsbuildinfo'))) say('Compiling (once, some seconds) ...');
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    run('the compiler', process.execPath, [compiler, '-b', ...args.slice(1)], 2);
    makeConsole();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
