/** What happens next in a run, by the rules of its machine (libs/rounds): who is awaited, until when, and what then. */
import type { NextView } from '@consilium/operator-api';
import type { RunConfig } from '@consilium/protocol';
import { ATTEMPTS, awaitedIn } from '@consilium/rounds';
import type { History } from './history.js';
import type { Refusals } from './refusals.js';
import { leastHospitals } from './secure-view.js';

export interface NextOf {
  readonly config: RunConfig;
  readonly history: History;
  readonly createdAt: string;
  /** Nobody waits for these. */
  readonly refused: Refusals;
}

/** @returns null for a run that has ended. */
export function nextOf({ config, history, createdAt, refused }: NextOf): NextView | null {
  const { state, phaseSince } = history;
  const since = Date.parse(phaseSince ?? createdAt);
  const after = (ms: number): string => new Date(since + ms).toISOString();
  const own: NextView = {
    ...{ waitsFor: 'coordinator', needs: 0, missing: [], by: null, then: 'next-stage', otherwise: null, without: [] },
  };
  const roster = config.roster.map(({ hospitalId }) => hospitalId);
  switch (state.phase) {
    case 'ended':
      return null;
    case 'gathering': {
      const ready = roster.filter((id) => state.consented.has(id) && state.connected.has(id));
      const missing = roster.filter((id) => !ready.includes(id) && !refused.has(id));
      const needs = Math.max(0, leastHospitals(config) - ready.length);
      if (state.paused) return { ...own, waitsFor: 'operator', needs, missing, then: 'round-starts' };
      return {
        ...{ waitsFor: 'hospitals', needs, missing, by: after(config.gatherTimeoutMs), then: 'round-starts' },
        ...{ otherwise: state.overdue ? 'run-ends' : 'waits-on', without: missing },
      };
    }
    case 'collecting': {
      const missing = state.cohort.filter(
        (id) => !state.received.has(id) && !state.declined.has(id) && !state.absent.has(id),
      );
      const { stragglers } = config;
      const quorum = stragglers === null ? undefined : Math.max(config.minHospitals, stragglers.quorum);
      const waits = (least: number): NextView => ({
        ...{ ...own, waitsFor: 'updates', needs: Math.max(0, least - state.received.size), missing, without: missing },
      });
      if (stragglers !== null && quorum !== undefined && !state.quorumDue) {
        return { ...waits(quorum), by: after(stragglers.afterMs), otherwise: 'waits-on' };
      }
      // Once the quorum is due, the next answers close the round at once; the end of its time does with fewer.
      return { ...waits(config.minHospitals), by: after(config.roundTimeoutMs), otherwise: 'run-ends' };
    }
    case 'closing': {
      const missing = [...state.awaiting].filter((id) => !state.absent.has(id));
      return {
        ...{ ...own, waitsFor: 'evaluations', missing, by: after(config.roundTimeoutMs), then: 'run-ends' },
        without: missing,
      };
    }
    case 'advertising':
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking': {
      const missing = awaitedIn(state);
      const { threshold, floor } = state.secure;
      const opens = state.phase === 'agreeing' || state.phase === 'unmasking';
      const said = state.said[state.phase].size;
      const isTraining = state.phase === 'advertising';
      const waits: NextView = {
        ...{ ...own, waitsFor: isTraining ? 'updates' : 'answers', missing, without: missing },
        needs: Math.max(0, (opens ? threshold : floor) - said),
      };
      const { stragglers } = config;
      if (isTraining && stragglers !== null && !state.quorumDue) {
        const quorum = Math.max(floor, stragglers.quorum);
        return { ...waits, needs: Math.max(0, quorum - said), by: after(stragglers.afterMs), otherwise: 'waits-on' };
      }
      const stageMs = config.secagg?.stageTimeoutMs ?? config.roundTimeoutMs;
      // Once shares were given for a sum, another attempt could be compared with it: there is none.
      const isLast = state.phase === 'unmasking' || state.attempt >= ATTEMPTS || state.secure.lastly !== undefined;
      return {
        ...{ ...waits, by: after(isTraining ? config.roundTimeoutMs : stageMs) },
        otherwise: isLast ? 'run-ends' : 'round-again',
      };
    }
    case 'opening':
    case 'aggregating':
      return { ...own, then: 'next-round' };
    case 'planning':
      return { ...own, then: 'round-starts' };
  }
}
