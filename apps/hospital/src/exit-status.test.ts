/** Claims: foreseen errors, ours and those of libraries, are one line with their code and the documented status; a defect keeps its stack. */
import { describe, expect, it } from 'vitest';
import { BackboneError } from '@consilium/backbone';
import { CryptoError } from '@consilium/crypto';
import { ImagingError } from '@consilium/imaging';
import { HospitalError } from './errors.js';
import { exitStatusOf } from './exit-status.js';

describe('exitStatusOf', () => {
  it.each([
    [new HospitalError('CARD_MISSING', 'pin one'), 2, 'CARD_MISSING: pin one'],
    [new HospitalError('NO_USABLE_IMAGES', 'none'), 5, 'NO_USABLE_IMAGES: none'],
    [new HospitalError('REFUSED_BY_COORDINATOR', 'no'), 6, 'REFUSED_BY_COORDINATOR: no'],
    [new ImagingError('MANIFEST_MISSING', 'no table'), 5, 'MANIFEST_MISSING: no table'],
    [new BackboneError('WEIGHTS_INVALID', 'short'), 5, 'WEIGHTS_INVALID: short'],
    [new CryptoError('KEY_FILE_OPEN_TO_OTHERS', 'mode 644'), 2, 'KEY_FILE_OPEN_TO_OTHERS: mode 644'],
  ])('%s', (error, status, line) => {
    expect(exitStatusOf(error)).toEqual({ status, line });
  });

  it('gives the words of the system for its errors', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(exitStatusOf(full)).toEqual({ status: 1, line: full.message });
  });

  it('hides no defect', () => {
    const { status, line } = exitStatusOf(new TypeError('of undefined'));
    expect(status).toBe(1);
    expect(line).toMatch(/^TypeError: of undefined\n\s+at /);
    expect(exitStatusOf('a string')).toEqual({ status: 1, line: 'a string' });
  });
});
