/** Claims: each foreseen failure has its code; an unforeseen one shows no reason. Oracle: a table by hand. */
import { HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { ModelSpecError } from '@consilium/model-spec';
import { ProtocolError } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { CoordinatorError } from '../errors.js';
import { ApiError, errorBody, HTTP_STATUS } from './api-error.js';

describe('errorBody', () => {
  it.each([
    [new ApiError('RUN_ENDED', 'x'), 'RUN_ENDED', 409],
    [new CoordinatorError('TOO_FEW_ENROLLED', 'x'), 'TOO_FEW_ENROLLED', 422],
    [new ModelSpecError('BAD_SPEC', 'x'), 'RUN_FILE_INVALID', 422],
    [new ProtocolError('RUN_UNKNOWN'), 'RUN_UNKNOWN', 404],
    [new StoreError('RUN_EXISTS', 'x'), 'RUN_EXISTS', 409],
    [new StoreError('LEASE_LOST', 'x'), 'NOT_LEADING', 503],
    [new StoreError('BLOB_UNKNOWN', 'x'), 'MODEL_UNKNOWN', 404],
    [new StoreError('STORE_FULL', 'x'), 'STORE_UNAVAILABLE', 503],
    [new HttpException('x', 404), 'NOT_FOUND', 404],
    [Object.assign(new Error('x'), { status: 413 }), 'BODY_TOO_LARGE', 413],
    [new CoordinatorError('PORT_IN_USE', 'not a matter of the API'), 'INTERNAL', 500],
    [undefined, 'INTERNAL', 500],
  ] as const)('%s: %s', (error, code, status) => {
    expect(errorBody(error).code).toBe(code);
    expect(HTTP_STATUS[errorBody(error).code]).toBe(status);
  });

  it('names bad fields, and hides a defect', () => {
    const fields = [{ field: 'rounds', message: 'too small' }];
    expect(errorBody(new CoordinatorError('RUN_FILE_INVALID', 'x', fields))).toEqual({
      ...{ code: 'RUN_FILE_INVALID', message: 'x', fields },
    });
    expect(JSON.stringify(errorBody(new TypeError('the secret reason')))).not.toContain('secret');
  });
});
