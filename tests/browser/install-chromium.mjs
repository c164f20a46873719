/**
 * Puts a Chromium where the browser tests find one, if none is there. As root on Debian or Ubuntu: `apt-get install chromium`.
 * Otherwise: the package @sparticuz/chromium of the npm registry, which is unpacked below tests/dist and changes nothing else.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const SPARTICUZ = '@sparticuz/chromium@147.0.0';
const folder = join(import.meta.dirname, '..', 'dist', 'chromium');
const own = join(folder, 'chromium');
const found = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  own,
];

const say = (text) => process.stderr.write(`${text}\n`);
const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 2, 2] });

if (found.some((path) => path !== '' && existsSync(path))) process.exit(0);
if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
  say('No Chromium here: apt-get install chromium ...');
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', 'chromium']);
} else {
  say(`No Chromium here, and not root: ${SPARTICUZ} from npm into tests/dist/chromium ...`);
  mkdirSync(folder, { recursive: true });
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, SPARTICUZ], folder);
  const { default: chromium } = await import(join(folder, 'node_modules/@sparticuz/chromium/build/esm/index.js'));
  copyFileSync(await chromium.executablePath(), own);
  chmodSync(own, 0o755);
}
say('Chromium is there.');
