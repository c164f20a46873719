/**
 * Claims: (1) the versions of Node that `engines` in package.json names are supported, and no other; (2) space is looked
 * up also for folders that are not there yet; (3) errors are told with their code, once.
 * Oracle: the ranges of package.json, written here as examples.
 */
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { HospitalError } from '../errors.js';
import { told } from './finding.js';
import { diskFree, isSupportedNode, memory } from './machine.js';

describe('the machine', () => {
  it.each(['v20.19.0', 'v20.20.2', 'v22.12.0', 'v22.30.1', 'v24.0.0', 'v25.1.0'])('supports Node %s', (version) => {
    expect(isSupportedNode(version)).toBe(true);
  });

  it.each(['v18.20.0', 'v20.18.3', 'v21.7.0', 'v22.11.0', 'v23.9.0', 'nonsense'])('refuses Node %s', (version) => {
    expect(isSupportedNode(version)).toBe(false);
  });

  it('looks at the disk of a folder that is not made yet', async () => {
    const home = join(tmpdir(), 'not', 'made', 'yet');
    const [disk] = await diskFree({ home, engine: 'auto' });
    expect(disk?.detail).toMatch(/^\d+\.\d GB free/);
    const [limit] = await memory({ home, engine: 'auto' });
    expect(limit?.detail).toMatch(/^\d+\.\d GB for this process$/);
  });
});

describe('told', () => {
  it('gives the code once', () => {
    expect(told(new HospitalError('DATA_INVALID', 'no label'))).toBe('DATA_INVALID: no label');
    expect(told(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }))).toBe('ENOENT: no such file');
    expect(told('text')).toBe('text');
  });
});
