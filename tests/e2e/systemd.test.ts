/**
 * Claims: the units of deploy/systemd are accepted by `systemd-analyze verify`; by `systemd-analyze security` their exposure is at
 * most 2.0 of 10; each names programs of this repository, and the exit statuses after which it does not start again are those
 * that the program documents. Oracle: systemd itself. Skipped where there is no systemd-analyze.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-systemd-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const unit = (name: string): Promise<string> => readFile(join(root, 'deploy', 'systemd', `${name}.service`), 'utf8');

describe.each(['consilium-hospital', 'consilium-coordinator'])('%s.service', (name) => {
  it('starts a program that is there, and stays stopped where the program says so', async () => {
    const text = await unit(name);
    const [, program = ''] = /^ExecStart=\/usr\/bin\/node \/opt\/consilium\/(\S+)/m.exec(text) ?? [];
    expect(existsSync(join(root, program))).toBe(true);
    const help = execFileSync(process.execPath, [join(root, program), '--help'])
      .toString()
      .replaceAll('\n', ' ');
    const [, statuses = ''] = /^RestartPreventExitStatus=(.*)$/m.exec(text) ?? [];
    for (const status of statuses.split(' ')) expect(help).toMatch(new RegExp(`[ ,]${status} \\w`));
    if (name === 'consilium-hospital') expect(statuses.split(' ')).toContain('8');
  });

  it.skipIf(!hasSystemd)('is a unit, and a hardened one (needs systemd-analyze)', async () => {
    // Only what differs from site to site: where node and the product are.
    const text = (await unit(name)).replace('/usr/bin/node', process.execPath).replace('/opt/consilium', root);
    const file = join(directory, `${name}.service`);
    await writeFile(file, text);
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file]);
    expect(String(verified.stderr) + String(verified.stdout)).toBe('');
    expect(verified.status).toBe(0);
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', file]);
    expect(security.status, String(security.stdout)).toBe(0);
  });
});
