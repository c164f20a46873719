/** Every failure as an answer of the API: a status, a stable code, a sentence. The one table from codes to HTTP. */
import { HttpException } from '@nestjs/common';
import { ModelSpecError } from '@consilium/model-spec';
import { ProtocolError } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { CoordinatorError, type FieldFault } from '../errors.js';

export const HTTP_STATUS = {
  UNAUTHORIZED: 401,
  SIGN_IN_FAILED: 401,
  LINK_INVALID: 401,
  OIDC_FAILED: 401,
  FORBIDDEN: 403,
  CSRF_INVALID: 403,
  ORIGIN_REFUSED: 403,
  ROUTE_UNDECLARED: 403,
  OIDC_OFF: 404,
  OPERATOR_UNKNOWN: 404,
  HOSPITAL_UNKNOWN: 404,
  INVITATION_UNKNOWN: 404,
  TOKEN_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  MODEL_UNKNOWN: 404,
  NOT_FOUND: 404,
  RUN_EXISTS: 409,
  HOSPITAL_KNOWN: 409,
  HOSPITAL_REVOKED: 409,
  NOT_PROVISIONAL: 409,
  ROSTER_CHANGED: 409,
  INVITATION_EXISTS: 409,
  RUN_ENDED: 409,
  SET_UP: 409,
  OPERATOR_EXISTS: 409,
  TOKEN_EXISTS: 409,
  LAST_OWNER: 409,
  PASSWORD_ABSENT: 409,
  BODY_TOO_LARGE: 413,
  BODY_INVALID: 422,
  QUERY_INVALID: 422,
  RUN_FILE_INVALID: 422,
  TOO_FEW_ENROLLED: 422,
  REVOCATION_INVALID: 422,
  RATE_LIMITED: 429,
  LOCKED_OUT: 429,
  INTERNAL: 500,
  MEMBERSHIP_BROKEN: 500,
  STORE_UNAVAILABLE: 503,
  NOT_LEADING: 503,
} as const;

export type ApiCode = keyof typeof HTTP_STATUS;

export interface ErrorBody {
  readonly code: ApiCode;
  readonly message: string;
  readonly fields?: readonly FieldFault[];
}

/** A failure that only this API knows. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly code: ApiCode,
    message: string,
    readonly fields: readonly FieldFault[] = [],
  ) {
    super(message);
  }
}

const isApiCode = (code: string): code is ApiCode => Object.hasOwn(HTTP_STATUS, code);

/** @returns `INTERNAL` without the reason for what nobody foresaw: the log has it. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof ApiError || error instanceof CoordinatorError || error instanceof ProtocolError) {
    const { code, message } = error;
    const fields = 'fields' in error ? error.fields : [];
    if (isApiCode(code)) return { code, message, ...(fields.length > 0 && { fields }) };
  }
  if (error instanceof ModelSpecError) return { code: 'RUN_FILE_INVALID', message: error.message };
  if (error instanceof StoreError) {
    if (error.code === 'LEASE_LOST') return { code: 'NOT_LEADING', message: 'this coordinator does not lead any more' };
    if (error.code === 'BLOB_UNKNOWN') return { code: 'MODEL_UNKNOWN', message: 'this head was not kept' };
    if (isApiCode(error.code)) return { code: error.code, message: error.message };
    return { code: 'STORE_UNAVAILABLE', message: `the store failed: ${error.code}` };
  }
  const status = error instanceof HttpException ? error.getStatus() : (error as { status?: unknown } | null)?.status;
  if (status === 404) return { code: 'NOT_FOUND', message: 'there is nothing at this address' };
  if (status === 413) return { code: 'BODY_TOO_LARGE', message: 'the body is larger than a run file may be' };
  return { code: 'INTERNAL', message: 'a request failed inside the coordinator; its log says why' };
}
