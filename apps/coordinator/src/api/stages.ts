/** The phases of the machine in the six stages that people watch. */
import type { HospitalId } from '@consilium/protocol';
import type { StageName } from '@consilium/operator-api';
import type { CoordinatorEvent, CoordinatorState } from '@consilium/rounds';

/** A phase that is newer than this table is shown as the opening of a round: the only thing that has no answer of its own. */
const STAGE_OF: Readonly<Record<string, StageName | undefined>> = {
  gathering: 'invite',
  planning: 'invite',
  collecting: 'train',
  advertising: 'train',
  sharing: 'mask',
  masking: 'mask',
  agreeing: 'agree',
  unmasking: 'open',
  opening: 'open',
  aggregating: 'open',
  closing: 'evaluate',
};

export function stageOf(state: CoordinatorState): StageName | null {
  if (state.phase === 'ended') return null;
  // The last sum of a run in the mode secagg holds nothing but figures.
  const isLast = ('secure' in state && state.secure.lastly !== undefined) || 'lastly' in state;
  return isLast ? 'evaluate' : (STAGE_OF[state.phase] ?? 'open');
}

/** When a hospital last answered something of the open round, and at which stage. */
export interface Answered {
  readonly stage: StageName;
  readonly at: string;
}

/** The stages of the open attempt and of those before, by the clock of the log. */
export interface StageTimes {
  /** When each stage of the open attempt began. */
  readonly since: Readonly<Partial<Record<StageName, string>>>;
  readonly answered: ReadonlyMap<HospitalId, Answered>;
  /** Milliseconds that each stage took in the rounds before, newest last; a few are kept. */
  readonly tookMs: Readonly<Partial<Record<StageName, readonly number[]>>>;
}

export const NO_STAGES: StageTimes = { since: {}, answered: new Map(), tookMs: {} };

const KEPT = 9;

/** @param at - of the event. */
export function stagesAfter(
  past: StageTimes,
  {
    before,
    after,
    event,
    at,
  }: { before: CoordinatorState; after: CoordinatorState; event: CoordinatorEvent; at: string },
): StageTimes {
  const [was, is] = [stageOf(before), stageOf(after)];
  const answered =
    'hospitalId' in event && is !== null && isAnswer(event.type)
      ? new Map(past.answered).set(event.hospitalId, { stage: was ?? is, at })
      : past.answered;
  if (is === null) return { ...past, answered };
  if (was === is) return { ...past, answered, since: { [is]: at, ...past.since } };
  const began = was === null ? undefined : past.since[was];
  const tookMs =
    was === null || began === undefined
      ? past.tookMs
      : {
          ...past.tookMs,
          [was]: [...(past.tookMs[was] ?? []), Math.max(0, Date.parse(at) - Date.parse(began))].slice(-KEPT),
        };
  // A new round or attempt: what was before belongs to the last one.
  if (is === 'invite') return { since: { invite: at }, answered: new Map(), tookMs };
  return { since: { ...past.since, [is]: at }, answered, tookMs };
}

const isAnswer = (type: string): boolean =>
  type === 'consented' || type === 'update-accepted' || type === 'said' || type === 'declined' || type === 'evaluated';

/** @returns Milliseconds; null before the first round is over. */
export function medianMs(times: readonly number[] | undefined): number | null {
  if (times === undefined || times.length === 0) return null;
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? null;
}
