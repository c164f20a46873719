/** Claims: defaults are those of --help, paths start from where the user stands, and a bad value is named. Oracle: values by hand. */
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DemoError } from './errors.js';
import { parseOptions } from './options.js';

describe('parseOptions', () => {
  it('needs nothing', () => {
    expect(parseOptions([], '/home/user')).toEqual({
      ...{ data: undefined, hospitals: undefined, images: undefined, backbone: undefined },
      ...{ rounds: 5, epochs: 2, head: 'linear', mode: 'secagg', seed: '1', port: 0, keep: false, format: 'text' },
      out: resolve('/home/user', 'consilium-demo'),
    });
  });

  it('starts paths from where the user stands', () => {
    const { data, out, backbone } = parseOptions(['--data', 'x', '--out', '../o', '--backbone', '/w'], '/home/user');
    expect([data, out, backbone]).toEqual([resolve('/home/user/x'), resolve('/home/o'), resolve('/w')]);
  });

  it.each([
    ['--rounds', '0'],
    ['--rounds', '2.5'],
    ['--rounds', '1e3'],
    ['--images', '5'],
    ['--hospitals', '21'],
    ['--port', '65536'],
    ['--head', 'deep'],
    ['--format', 'xml'],
  ])('refuses %s %s by name', (option, value) => {
    let error: unknown;
    try {
      parseOptions([option, value], '/');
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(DemoError);
    expect(error).toMatchObject({ code: 'BAD_OPTION', status: 2 });
    expect((error as DemoError).line).toMatch(new RegExp(`^BAD_OPTION: .*${option}.*'${value}'`));
  });
});

describe('DemoError', () => {
  it('lets the code of a part that failed speak for it', () => {
    const of = (message: string): string => new DemoError('SETUP_FAILED', message, 5).line;
    expect(of('MANIFEST_MISSING: no table')).toBe('MANIFEST_MISSING: no table');
    expect(of('drawing failed: A: b')).toBe('SETUP_FAILED: drawing failed: A: b');
  });
});
