/** What a coordinator says while it works: plain values for a terminal line, a log line and a program that reads them. */
import type { HospitalId, PolicyRule, RunEnd, RunId } from '@consilium/protocol';

export type Progress =
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'connected' | 'disconnected'; readonly hospital: HospitalId }
  | { readonly event: 'consented'; readonly run: RunId; readonly hospital: HospitalId }
  /** Signed by it; the rule of its own policy, and no more. */
  | {
      readonly event: 'refused-by-hospital';
      readonly run: RunId;
      readonly hospital: HospitalId;
      readonly rule: PolicyRule;
    }
  /** Leading: this process, and no other one on the same store. */
  | { readonly event: 'leading' | 'waiting-to-lead' | 'deposed' }
  | { readonly event: 'run-taken-up'; readonly run: RunId; readonly events: number }
  | {
      readonly event: 'refused';
      readonly hospital: HospitalId | undefined;
      readonly request: string;
      readonly code: string;
    }
  | {
      readonly event: 'round-started';
      readonly run: RunId;
      readonly round: number;
      readonly hospitals: readonly HospitalId[];
    }
  | {
      readonly event: 'update';
      readonly run: RunId;
      readonly round: number;
      readonly hospital: HospitalId;
      readonly bytes: number;
    }
  | {
      readonly event: 'round-done';
      readonly run: RunId;
      readonly round: number;
      readonly seconds: number;
      readonly hospitals: readonly { readonly id: HospitalId; readonly trainExamples: number; readonly loss: number }[];
      readonly missing: readonly HospitalId[];
    }
  | {
      readonly event: 'evaluation';
      readonly run: RunId;
      readonly round: number;
      readonly hospital: HospitalId;
      readonly examples: number;
      readonly loss: number;
      readonly balancedAccuracy: number;
    }
  | {
      readonly event: 'ended';
      readonly run: RunId;
      readonly outcome: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
      readonly bestRound: number | undefined;
    };

/** One line for people. */
export function progressLine(progress: Progress): string {
  switch (progress.event) {
    case 'listening':
      return `listening on ${progress.url}`;
    case 'leading':
      return 'this process leads';
    case 'waiting-to-lead':
      return 'another coordinator leads this store; waiting to take over';
    case 'deposed':
      return 'another coordinator has taken over; nothing more is done here';
    case 'run-taken-up':
      return `run ${progress.run} is taken up after ${progress.events} events`;
    case 'connected':
    case 'disconnected':
      return `${progress.hospital} ${progress.event}`;
    case 'consented':
      return `${progress.hospital} consented to ${progress.run}`;
    case 'refused-by-hospital':
      return `${progress.hospital} takes no part in ${progress.run}: its own policy, ${progress.rule}`;
    case 'refused':
      return `refused ${progress.request} of ${progress.hospital ?? 'an unknown peer'}: ${progress.code}`;
    case 'round-started':
      return `round ${progress.round} started with ${progress.hospitals.join(', ')}`;
    case 'update':
      return `round ${progress.round}: update of ${progress.hospital}, ${progress.bytes} bytes`;
    case 'round-done': {
      const missing = progress.missing.length > 0 ? `, without ${progress.missing.join(', ')}` : '';
      return `round ${progress.round} done in ${progress.seconds.toFixed(2)} s with ${progress.hospitals.length} updates${missing}`;
    }
    case 'evaluation':
      return `round ${progress.round}: ${progress.hospital} balanced accuracy ${progress.balancedAccuracy.toFixed(3)} on ${progress.examples}`;
    case 'ended':
      return `run ${progress.run} ${progress.outcome} after ${progress.rounds} rounds (${progress.reason})`;
  }
}
