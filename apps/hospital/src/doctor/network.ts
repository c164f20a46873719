/** The way to the coordinator, from near to far: proxy, TLS, what answers, its clock, its version. */
import { request, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { HospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { wayOutOf } from '../network/configured.js';
import { FAULTS, faultOf, type FaultCode } from '../network/fault.js';
import { pinOf } from '../network/pin.js';
import { isLoopback, proxyOf, withoutPassword } from '../network/proxy.js';
import { agentFor, type WayOut } from '../network/way-out.js';
import { fail, type Check, type Finding, ok, told, warn } from './finding.js';
import { greeting } from './greeting.js';

const ANSWER_MS = 10_000;
const ANSWER_MAX_BYTES = 1_024;

interface Seen {
  /** When the answer began, by this machine's clock and by the other's; milliseconds. */
  readonly hereMs: number;
  readonly thereMs: number | undefined;
  readonly tls:
    { readonly protocol: string; readonly pin: string; readonly issuer: string; readonly until: string } | undefined;
  readonly isCoordinator: boolean;
}

/** Asks whether the coordinator lives; any key that the authorities vouch for will do, so that it can be shown. */
async function ask(url: URL, way: WayOut): Promise<Seen> {
  const { ca, environment } = way;
  const agent = agentFor(url, { ...(ca && { ca }), ...(environment && { environment }) });
  const target = new URL('healthz', url.href.endsWith('/') ? url : `${url.href}/`);
  const sentMs = Date.now();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const start = url.protocol === 'https:' ? requestTls : request;
    start(target, { signal: AbortSignal.timeout(ANSWER_MS), ...(agent && { agent }) }, resolve)
      .on('error', reject)
      .end();
  });
  // Half of the way there and back is the best guess of when it was written.
  const hereMs = (sentMs + Date.now()) / 2;
  const { date } = answer.headers;
  const tls = answer.socket instanceof TLSSocket ? seenIn(answer.socket) : undefined;
  let text = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > ANSWER_MAX_BYTES) break;
  }
  answer.destroy();
  const thereMs = date === undefined || Number.isNaN(Date.parse(date)) ? undefined : Date.parse(date);
  return { hereMs, thereMs, tls, isCoordinator: answer.statusCode === 200 && text.includes('"status":"ok"') };
}

function seenIn(socket: TLSSocket): Seen['tls'] {
  const { raw, issuer, valid_to: until } = socket.getPeerCertificate();
  const name = [issuer.CN, issuer.O].flat().find((one) => one !== undefined) ?? 'an authority without a name';
  return { protocol: socket.getProtocol() ?? '', pin: pinOf(raw), issuer: name, until };
}

/** What the fault is a fault of. */
const CHECK_OF: Partial<Record<FaultCode, string>> = {
  PROXY_WANTS_PASSWORD: 'proxy',
  PROXY_REFUSED: 'proxy',
  CERTIFICATE_UNTRUSTED: 'tls',
  CERTIFICATE_EXPIRED: 'tls',
  CERTIFICATE_WRONG_NAME: 'tls',
  PIN_MISMATCH: 'tls',
  TLS_TOO_OLD: 'tls',
};

/** The system's word for what has none of ours. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';

function faultFinding(fault: FaultCode, code = ''): Finding {
  const [what, fix] = FAULTS[fault];
  const check = CHECK_OF[fault] ?? 'coordinator';
  // A node waits for its coordinator as long as it takes.
  if (fault === 'NOTHING_LISTENS') return warn(check, `${fault}: ${what}; a node keeps trying`, fix);
  return fail(check, `${fault}: ${what}${fault === 'OTHER' ? code : ''}`, fix);
}

function tlsFinding(tls: Seen['tls'], url: URL, pin: HospitalConfig['pin']): Finding {
  if (tls === undefined) {
    if (isLoopback(url)) return ok('tls', 'none: the coordinator is on this machine');
    const detail =
      'none: plain http lets everybody on the way read figures and counts (updates are encrypted all the same)';
    return fail('tls', detail, 'use the https address of the coordinator');
  }
  const detail = `${tls.protocol}, certificate of ${tls.issuer} until ${tls.until}, key ${tls.pin}`;
  if (pin === undefined) {
    const fix = `compare the key with the coordinator's by phone, then write pin: [${tls.pin}] into hospital.yaml`;
    return warn('tls', `${detail}; no key is pinned`, fix);
  }
  if (pin === 'none') {
    const why = 'pin: none, so whoever can make certificates that are trusted here may sit in between';
    return warn(
      'tls',
      `${detail}; ${why}; updates stay encrypted and statements signed`,
      'pin the key where no box inspects TLS',
    );
  }
  if (pin.includes(tls.pin)) return ok('tls', `${detail}; it is pinned`);
  return fail('tls', `PIN_MISMATCH: ${detail}`, FAULTS.PIN_MISMATCH[1]);
}

/** Certificates, the hours of a policy and the times in journals are as wrong as the clock is. */
const SKEW_WARN_S = 30;
/** Half of what a plan of mode secagg allows before this hospital sits its rounds out. */
const SKEW_FAIL_S = 24 * 3_600;

function clockFinding({ hereMs, thereMs }: Seen): Finding {
  if (thereMs === undefined) return warn('clock', 'what answers does not tell its time', 'compare the clocks by hand');
  // It is told in whole seconds.
  const skewS = Math.round((hereMs - thereMs - 500) / 1_000);
  const detail = `${Math.abs(skewS)} s ${skewS >= 0 ? 'ahead of' : 'behind'} the coordinator, by its answer`;
  if (Math.abs(skewS) <= SKEW_WARN_S) return ok('clock', detail);
  const fix = 'set this clock by NTP; if it is right, tell the coordinator';
  return Math.abs(skewS) > SKEW_FAIL_S ? fail('clock', detail, fix) : warn('clock', detail, fix);
}

export const network: Check = async ({ home, config, environment = process.env }) => {
  if (config === undefined) return [];
  const url = new URL(config.coordinator);
  let way: WayOut;
  const findings: Finding[] = [];
  try {
    way = { ...(await wayOutOf(config)), environment };
    const proxy = proxyOf(url, environment);
    findings.push(ok('proxy', proxy === undefined ? 'none: the way is direct' : withoutPassword(proxy)));
  } catch (error) {
    if (!(error instanceof HospitalError)) throw error;
    const isFile = error.code === 'FILE_MISSING';
    return [
      fail(
        isFile ? 'tls' : 'proxy',
        told(error),
        isFile ? 'correct `caFile` in hospital.yaml' : 'correct the variable',
      ),
    ];
  }
  let seen: Seen;
  try {
    seen = await ask(url, way);
  } catch (error) {
    const isLate = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
    const finding = faultFinding(isLate ? 'NO_ANSWER' : faultOf(error), codeOf(error));
    // One finding for each check: what was to be said of the proxy is said otherwise now.
    return [...findings.filter(({ check }) => check !== finding.check), finding];
  }
  if (!seen.isCoordinator) return [...findings, faultFinding('NOT_A_COORDINATOR')];
  const tls = tlsFinding(seen.tls, url, config.pin);
  findings.push(tls, clockFinding(seen));
  if (tls.status !== 'fail') findings.push(await greeting(home, config.coordinator, way));
  return findings;
};
