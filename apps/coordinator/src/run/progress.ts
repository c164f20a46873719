/** What a coordinator says while it works: plain values for a terminal line, a log line and a program that reads them. */
import type { ExcludedUpdate, HospitalId, PolicyRule, RunEnd, RunId } from '@consilium/protocol';
import type { SummedFigures } from '@consilium/rounds';

export type Progress =
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'connected' | 'disconnected'; readonly hospital: HospitalId }
  /** What it says of itself; the time on the way counts as its clock's. */
  | {
      readonly event: 'about';
      readonly hospital: HospitalId;
      readonly version: string;
      readonly engine: string;
      readonly clockAheadMs: number;
    }
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
  /** It cannot be led here; other runs go on. */
  | { readonly event: 'run-failed'; readonly run: RunId; readonly code: string }
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
      /** `evaluate`: the figures of the last head are summed, and nothing is trained. */
      readonly purpose: 'train' | 'evaluate';
    }
  | {
      readonly event: 'update';
      readonly run: RunId;
      readonly round: number;
      readonly hospital: HospitalId;
      readonly bytes: number;
    }
  /** Both sit out the next attempt: nobody else can see which of the two lies. */
  | {
      readonly event: 'disputed';
      readonly run: RunId;
      readonly round: number;
      readonly hospital: HospitalId;
      readonly accused: HospitalId;
    }
  /** After a second dispute, from the next round to the end of the run. */
  | {
      readonly event: 'left-out';
      readonly run: RunId;
      readonly round: number;
      readonly hospitals: readonly HospitalId[];
    }
  /** In one of the last two sums, which differ by nobody else: together they show about its update. */
  | { readonly event: 'cohort-delta'; readonly run: RunId; readonly round: number; readonly hospital: HospitalId }
  /** It came, and a robust rule left it out. What was measured is in the signed aggregate: not for a log. */
  | {
      readonly event: 'excluded';
      readonly run: RunId;
      readonly round: number;
      readonly hospital: HospitalId;
      readonly reason: ExcludedUpdate['reason'];
    }
  | {
      readonly event: 'round-done';
      readonly run: RunId;
      readonly round: number;
      readonly seconds: number;
      /** Whose update is in it; null where the trust mode shows nobody's own figures. */
      readonly hospitals: readonly {
        readonly id: HospitalId;
        readonly trainExamples: number | null;
        readonly loss: number | null;
      }[];
      readonly missing: readonly HospitalId[];
      /** Of all together; the loss is the mean over hospitals. */
      readonly totals: { readonly weight: number; readonly loss: number };
    }
  /** A secure round has come to its next exchange. */
  | { readonly event: 'stage'; readonly run: RunId; readonly round: number; readonly stage: string }
  /** What all held-out parts together say of the head that this round ended with. */
  | {
      readonly event: 'federated-evaluation';
      readonly run: RunId;
      readonly round: number;
      readonly figures: SummedFigures;
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
    case 'run-failed':
      return `run ${progress.run} cannot be led here: ${progress.code}; coordinator.log says more`;
    case 'connected':
    case 'disconnected':
      return `${progress.hospital} ${progress.event}`;
    case 'about':
      return `${progress.hospital} runs ${progress.version} on ${progress.engine}`;
    case 'consented':
      return `${progress.hospital} consented to ${progress.run}`;
    case 'refused-by-hospital':
      return `${progress.hospital} takes no part in ${progress.run}: its own policy, ${progress.rule}`;
    case 'refused':
      return `refused ${progress.request} of ${progress.hospital ?? 'an unknown peer'}: ${progress.code}`;
    case 'round-started':
      return progress.purpose === 'train'
        ? `round ${progress.round} started with ${progress.hospitals.join(', ')}`
        : `the figures of the last head are summed with ${progress.hospitals.join(', ')}`;
    case 'update':
      return `round ${progress.round}: update of ${progress.hospital}, ${progress.bytes} bytes`;
    case 'disputed':
      return `round ${progress.round}: ${progress.hospital} says that ${progress.accused} dealt it bad shares; both are left out`;
    case 'left-out':
      return `round ${progress.round}: ${progress.hospitals.join(' and ')} disputed shares again, and no later round of this run has them: ask their people for their logs, and begin the next run without whoever is at fault`;
    case 'cohort-delta':
      return `warning round ${progress.round}: its sum and the one before differ by ${progress.hospital} alone, so the two together show about its update`;
    case 'excluded':
      return `round ${progress.round}: update of ${progress.hospital} left out: ${progress.reason}`;
    case 'round-done': {
      const missing = progress.missing.length > 0 ? `, without ${progress.missing.join(', ')}` : '';
      return `round ${progress.round} done in ${progress.seconds.toFixed(2)} s with ${progress.hospitals.length} updates${missing}`;
    }
    case 'stage':
      return `round ${progress.round}: ${progress.stage}`;
    case 'federated-evaluation': {
      const { balancedAccuracy, examples } = progress.figures;
      return `round ${progress.round}: all together balanced accuracy ${balancedAccuracy.toFixed(3)} on ${examples}`;
    }
    case 'evaluation':
      return `round ${progress.round}: ${progress.hospital} balanced accuracy ${progress.balancedAccuracy.toFixed(3)} on ${progress.examples}`;
    case 'ended':
      return `run ${progress.run} ${progress.outcome} after ${progress.rounds} rounds (${progress.reason})`;
  }
}
