/**
 * Claims of deploy/setup.mjs: (1) it admits exactly the Node versions of "engines", in words that name the code and the
 * version found; (2) dependencies are missing without npm's record, stale when a package is absent or has another version,
 * and in order when only packages of other platforms are absent; (3) under a wrong Node it ends with status 1 and starts
 * nothing. Oracle: the ranges by hand; lock files written here; and this checkout, which is installed.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAMS } from '../support/programs.js';

const { nodeVersionFault, dependencyFault } = (await import(pathToFileURL(PROGRAMS.setup).href)) as {
  nodeVersionFault: (version: string) => string | undefined;
  dependencyFault: (lockFile: string, installedFile: string) => string | undefined;
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-setup-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('nodeVersionFault', () => {
  it.each(['20.19.0', '20.20.2', '22.12.0', '22.30.1', '24.0.0', '25.1.0', '30.0.0'])('admits %s', (version) => {
    expect(nodeVersionFault(version)).toBeUndefined();
  });

  it.each(['0.10.48', '18.20.8', '20.9.0', '20.18.3', '21.7.3', '22.11.0', '23.11.1'])('refuses %s', (version) => {
    expect(nodeVersionFault(version)).toMatch(/^NODE_VERSION: .*20\.19, 22\.12, 24/);
    expect(nodeVersionFault(version)).toContain(version);
  });

  it('says the same as "engines"', async () => {
    const { engines } = JSON.parse(await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).toBe('^20.19.0 || ^22.12.0 || >=24.0.0');
  });
});

describe('dependencyFault', () => {
  const LOCK = {
    '': { version: '1.0.0' },
    'libs/ours': { version: '0.1.0' },
    'node_modules/@consilium/ours': { resolved: 'libs/ours', link: true },
    'node_modules/plain': { version: '2.0.0' },
    'node_modules/plain/node_modules/inner': { version: '3.0.0' },
    'node_modules/for-other-platform': { version: '4.0.0', optional: true },
  };
  const fault = async (installed: object): Promise<string | undefined> => {
    const [lock, record] = [join(directory, 'lock.json'), join(directory, 'record.json')];
    await writeFile(lock, JSON.stringify({ packages: LOCK }));
    await writeFile(record, JSON.stringify({ packages: installed }));
    return dependencyFault(lock, record);
  };
  const complete = {
    'node_modules/plain': { version: '2.0.0' },
    'node_modules/plain/node_modules/inner': { version: '3.0.0' },
  };

  it('is missing without a record of an installation', () => {
    expect(dependencyFault(join(directory, 'lock.json'), join(directory, 'none.json'))).toBe('missing');
  });

  it('is nothing when only links and packages of other platforms are absent', async () => {
    expect(await fault(complete)).toBeUndefined();
    expect(await fault({ ...complete, 'node_modules/for-other-platform': { version: '4.0.0' } })).toBeUndefined();
  });

  it.each([
    ['a package is absent', { 'node_modules/plain': { version: '2.0.0' } }],
    ['a package has another version', { ...complete, 'node_modules/plain': { version: '2.0.1' } }],
    ['a package in a package has', { ...complete, 'node_modules/plain/node_modules/inner': { version: '2.9.9' } }],
    ['an optional one has', { ...complete, 'node_modules/for-other-platform': { version: '3.9.9' } }],
  ])('is stale when %s', async (_, installed) => {
    expect(await fault(installed)).toBe('stale');
  });

  it('is nothing in this checkout', () => {
    const root = join(import.meta.dirname, '..', '..');
    const record = join(root, 'node_modules', '.package-lock.json');
    expect(dependencyFault(join(root, 'package-lock.json'), record)).toBeUndefined();
  });
});

describe('setup under a Node that is too old', () => {
  it('prints NODE_VERSION, ends with status 1 and installs nothing', async () => {
    const script = join(directory, 'checkout', 'deploy', 'setup.mjs');
    await mkdir(join(directory, 'checkout', 'deploy'), { recursive: true });
    await cp(PROGRAMS.setup, script);
    // The version is all that it reads of the process: this Node says that it is another.
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '18.20.8' });`;
    await writeFile(join(directory, 'pretend.cjs'), pretend);
    const ending = await new Promise<{ status: unknown; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        ['--require', join(directory, 'pretend.cjs'), script, '--build'],
        (error, _, stderr) => {
          resolve({ status: error?.code, stderr });
        },
      );
    });
    expect(ending.status).toBe(1);
    expect(ending.stderr).toMatch(/^NODE_VERSION: .*18\.20\.8.*\n$/);
    expect(await readdir(join(directory, 'checkout'))).toEqual(['deploy']);
  });
});
