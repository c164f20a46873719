/** Why a connection did not come about: the many words of systems and libraries as a few codes, each with what to do. */
import { PinMismatch } from './pin.js';
import { ProxyRefused } from './way-out.js';

/** What is wrong, and what mends it: for people, in the order of the way. */
export const FAULTS = {
  NAME_UNKNOWN: [
    'the name cannot be resolved',
    'correct the address; behind a proxy set HTTPS_PROXY, which resolves names itself',
  ],
  NOTHING_LISTENS: ['nothing listens there', 'correct the port, or ask whether the coordinator or the proxy is up'],
  NO_ANSWER: ['no answer in time', 'ask for outgoing TCP to this address and port, or set HTTPS_PROXY'],
  PROXY_WANTS_PASSWORD: [
    'the proxy wants a password',
    'set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, special characters as %40',
  ],
  PROXY_REFUSED: [
    'the proxy refuses to open a tunnel there',
    'ask for CONNECT to this host and port to be allowed, or exempt it with NO_PROXY',
  ],
  CERTIFICATE_UNTRUSTED: [
    'the certificate comes from an authority that is not trusted here',
    'put the authority of the coordinator, or of the TLS inspection, as PEM into `caFile` of hospital.yaml',
  ],
  CERTIFICATE_EXPIRED: [
    'the certificate is not valid now',
    'check the clock of this machine; else the coordinator must renew it',
  ],
  CERTIFICATE_WRONG_NAME: [
    'the certificate is for another name',
    'use the name in `coordinator` that the certificate has',
  ],
  PIN_MISMATCH: [
    'the certificate has another key than the pinned one',
    'somebody is in between, or the key was changed: ask the coordinator by phone, then correct `pin` in hospital.yaml; `pin: none` where the hospital inspects TLS itself',
  ],
  TLS_TOO_OLD: [
    'the other side does not speak TLS 1.3',
    'have TLS 1.3 switched on there, or at the box that inspects TLS',
  ],
  NOT_A_COORDINATOR: [
    'what answers there is not a coordinator',
    'correct `coordinator` in hospital.yaml; a proxy or a login page may answer in its place',
  ],
  OTHER: ['the connection failed', 'ask who runs this network what may cut outgoing connections'],
} as const satisfies Readonly<Record<string, readonly [what: string, fix: string]>>;

export type FaultCode = keyof typeof FAULTS;

const BY_CODE: Readonly<Record<string, FaultCode>> = {
  ENOTFOUND: 'NAME_UNKNOWN',
  EAI_AGAIN: 'NAME_UNKNOWN',
  EAI_FAIL: 'NAME_UNKNOWN',
  ECONNREFUSED: 'NOTHING_LISTENS',
  ETIMEDOUT: 'NO_ANSWER',
  EHOSTUNREACH: 'NO_ANSWER',
  ENETUNREACH: 'NO_ANSWER',
  CERT_HAS_EXPIRED: 'CERTIFICATE_EXPIRED',
  CERT_NOT_YET_VALID: 'CERTIFICATE_EXPIRED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'CERTIFICATE_WRONG_NAME',
  SELF_SIGNED_CERT_IN_CHAIN: 'CERTIFICATE_UNTRUSTED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'CERTIFICATE_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT: 'CERTIFICATE_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'CERTIFICATE_UNTRUSTED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'CERTIFICATE_UNTRUSTED',
  CERT_SIGNATURE_FAILURE: 'CERTIFICATE_UNTRUSTED',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'TLS_TOO_OLD',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'TLS_TOO_OLD',
  ERR_SSL_WRONG_VERSION_NUMBER: 'NOT_A_COORDINATOR',
  PIN_MISMATCH: 'PIN_MISMATCH',
};

/** @param error - of a socket, or of what is built on one; the innermost that says something counts. */
export function faultOf(error: unknown): FaultCode {
  if (error instanceof PinMismatch) return 'PIN_MISMATCH';
  if (error instanceof ProxyRefused) return error.status === 407 ? 'PROXY_WANTS_PASSWORD' : 'PROXY_REFUSED';
  if (!(error instanceof Object)) return 'OTHER';
  const {
    code,
    message,
    errors,
    cause,
    error: inner,
    description,
    context,
  } = error as Readonly<Record<string, unknown>>;
  const own = typeof code === 'string' ? BY_CODE[code] : undefined;
  if (own !== undefined) return own;
  if (message === 'timeout') return 'NO_ANSWER';
  if (code === 'EPROTO')
    return /protocol version|unsupported protocol/.test(String(message)) ? 'TLS_TOO_OLD' : 'NOT_A_COORDINATOR';
  // AggregateError of several addresses; ErrorEvent of `ws`; engine.io's TransportError, whose XHR keeps the error as its text.
  const { statusText } = (context ?? {}) as { readonly statusText?: unknown };
  const within: readonly unknown[] = [
    ...(Array.isArray(errors) ? (errors as unknown[]) : []),
    cause,
    inner,
    description,
    statusText,
  ];
  return (
    within.map((one) => (one instanceof Object ? faultOf(one) : 'OTHER')).find((fault) => fault !== 'OTHER') ?? 'OTHER'
  );
}
