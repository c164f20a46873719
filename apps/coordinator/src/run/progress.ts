/** What a coordinator says while it works: plain values for a terminal line, a log line and a program that reads them. */
import type { HospitalId, RunEnd } from '@consilium/protocol';

export type Progress =
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'connected' | 'disconnected' | 'consented'; readonly hospital: HospitalId }
  | {
      readonly event: 'refused';
      readonly hospital: HospitalId | undefined;
      readonly request: string;
      readonly code: string;
    }
  | { readonly event: 'round-started'; readonly round: number; readonly hospitals: readonly HospitalId[] }
  | { readonly event: 'update'; readonly round: number; readonly hospital: HospitalId; readonly bytes: number }
  | {
      readonly event: 'round-done';
      readonly round: number;
      readonly seconds: number;
      readonly hospitals: readonly { readonly id: HospitalId; readonly trainExamples: number; readonly loss: number }[];
      readonly missing: readonly HospitalId[];
    }
  | {
      readonly event: 'evaluation';
      readonly round: number;
      readonly hospital: HospitalId;
      readonly examples: number;
      readonly loss: number;
      readonly balancedAccuracy: number;
    }
  | {
      readonly event: 'ended';
      readonly outcome: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
    };

/** One line for people. */
export function progressLine(progress: Progress): string {
  switch (progress.event) {
    case 'listening':
      return `listening on ${progress.url}`;
    case 'connected':
    case 'disconnected':
    case 'consented':
      return `${progress.hospital} ${progress.event}`;
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
      return `run ${progress.outcome} after ${progress.rounds} rounds (${progress.reason})`;
  }
}
