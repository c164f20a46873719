/** Claims: foreseen errors, ours and those of libraries, are one line with their code and the documented status; a defect keeps its stack. */
import { describe, expect, it } from 'vitest';
import { CryptoError } from '@consilium/crypto';
import { ModelSpecError } from '@consilium/model-spec';
import { CoordinatorError } from './errors.js';
import { exitStatusOf } from './exit-status.js';

describe('exitStatusOf', () => {
  it.each([
    [new CoordinatorError('PORT_IN_USE', 'port 1'), 3, 'PORT_IN_USE: port 1'],
    [new CoordinatorError('RUN_ABORTED', 'too few'), 4, 'RUN_ABORTED: too few'],
    [new CoordinatorError('DAEMON_UNREACHABLE', 'nobody'), 7, 'DAEMON_UNREACHABLE: nobody'],
    [new CoordinatorError('INTERRUPTED', 'told'), 130, 'INTERRUPTED: told'],
    [new CryptoError('KEY_FILE_INVALID', 'no key'), 2, 'KEY_FILE_INVALID: no key'],
    [new ModelSpecError('BAD_SPEC', 'too large'), 2, 'RUN_FILE_INVALID: too large'],
    [Object.assign(new Error('EACCES: denied'), { code: 'EACCES', syscall: 'open' }), 1, 'EACCES: denied'],
  ])('%s', (error, status, line) => {
    expect(exitStatusOf(error)).toEqual({ status, line });
  });

  it('hides no defect', () => {
    expect(exitStatusOf(new RangeError('index')).line).toMatch(/^RangeError: index\n\s+at /);
    expect(exitStatusOf(undefined)).toEqual({ status: 1, line: 'undefined' });
  });
});
