/** What one check says. */
import type { EnginePreference } from '@consilium/backbone';
import type { HospitalConfig } from '../config.js';
import type { Environment } from '../network/proxy.js';

export interface Finding {
  /** A stable name: scripts compare it. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; empty when nothing is to be done. */
  readonly fix: string;
}

export interface Patient {
  /** The hospital's folder. */
  readonly home: string;
  readonly engine: EnginePreference;
  /** Where the variables of a proxy are looked up. */
  readonly environment?: Environment;
  /** Absent while there is none that can be read; checks that need it then say nothing. */
  readonly config?: HospitalConfig;
}

/** Looks and changes nothing. Throws only for what nobody foresaw. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, fix: '' });
export const warn = (check: string, detail: string, fix: string): Finding => ({ check, status: 'warn', detail, fix });
export const fail = (check: string, detail: string, fix: string): Finding => ({ check, status: 'fail', detail, fix });

/** The code of an error of ours or of the system, with its message: libraries name neither paths nor patients in theirs. */
export function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && !error.message.startsWith(code) ? `${code}: ${error.message}` : error.message;
}
