/** The stages of a round, where a hospital stands in them, and what happens next. */
import type { NextView, PlaceView, PolicyRule, StageName } from '@consilium/operator-api';

export const stages = {
  label: 'Stages of the round',
  names: {
    invite: 'Invite',
    train: 'Train',
    mask: 'Mask',
    agree: 'Agree',
    open: 'Open',
    evaluate: 'Evaluate',
  } satisfies Record<StageName, string>,
  means: {
    invite: 'Hospitals connect, agree to the study and get the signed plan.',
    train: 'Each hospital trains on its own images.',
    mask: 'Hospitals hide their updates so that only the sum can be opened.',
    agree: 'Hospitals confirm whose updates are in the sum.',
    open: 'The coordinator opens the sum and makes the new model.',
    evaluate: 'Each hospital tries the new model on images that it held out.',
  } satisfies Record<StageName, string>,
  state: { done: 'done', now: 'under way', ahead: 'to come', none: 'not in this trust mode' },
  usually: (time: string) => `usually ${time}`,
  atMost: (time: string) => `at most ${time}`,
  places: {
    expected: 'Expected',
    working: 'Working',
    done: 'Done',
    late: 'Late',
    declined: 'Declined',
    refused: 'Refused',
    dropped: 'Dropped out',
    outside: 'Not in this round',
  } satisfies Record<PlaceView['place'], string>,
  placeMeans: {
    expected: 'has not connected or agreed yet',
    working: 'its answer is awaited',
    done: 'has answered and waits for the others',
    late: 'takes longer than it should',
    declined: 'said that it sends nothing in this round',
    refused: 'takes no part in this run: its own policy, or its people, said no',
    dropped: 'the round went on without it',
    outside: 'takes no part in this round',
  } satisfies Record<PlaceView['place'], string>,
} as const;

/** By which rule of its own a hospital refused a run. What its limit is, stays there. */
export const refusalWords: Record<PolicyRule, string> = {
  POLICY_UNREADABLE: 'its policy cannot be read',
  STUDY_NOT_ALLOWED: 'its policy does not allow this study',
  TRUST_MODE_NOT_ALLOWED: 'its policy does not allow this trust mode',
  COHORT_TOO_SMALL: 'its policy asks for more hospitals',
  COLLUSION_TOLERANCE: 'its policy asks for more protection against collusion',
  CLIP_NORM_TOO_LARGE: 'its policy asks for a smaller clip norm',
  NOISE_TOO_SMALL: 'its policy asks for more noise',
  EPSILON_TOO_LARGE: 'its policy asks for a smaller epsilon',
  TENSOR_NOT_ALLOWED: 'its policy does not allow to train these numbers',
  BYTES_PER_ROUND: 'its policy allows fewer bytes per round',
  TOO_FEW_PATIENTS: 'it has fewer patients than its policy asks for',
  OUTSIDE_HOURS: 'its policy allows other hours',
  MEMORY: 'it has too little memory',
  DISK: 'it has too little disk',
  NOT_APPROVED: 'its people said no',
};

const nouns: Record<NextView['waitsFor'], readonly [string, string]> = {
  hospitals: ['hospital', 'hospitals'],
  updates: ['update', 'updates'],
  answers: ['answer', 'answers'],
  evaluations: ['evaluation', 'evaluations'],
  coordinator: ['', ''],
  operator: ['', ''],
};

export const nextWords = {
  paused: 'Paused: the open round is finished, and no other begins until somebody resumes the run.',
  ownWork: 'The coordinator is at work. Nobody is awaited.',
  needed: (n: number, of: NextView['waitsFor']) => `${n} more ${nouns[of][n === 1 ? 0 : 1]} needed`,
  by: (time: string) => ` by ${time}`,
  elseWaits: ', and it waits on after that',
  elseAgain: ', else the round is tried again',
  elseEnds: ', else the run ends',
  elseEndsWithout: (names: string) => `, else the round ends without ${names}`,
  awaited: (names: string) => `Awaited: ${names}.`,
  enough: 'Enough have answered.',
  waitsUntil: (names: string, time: string) => ` It waits for ${names} until ${time}, then goes on without.`,
  waits: (names: string) => ` It waits for ${names}.`,
  then: {
    'round-starts': 'Then the round starts.',
    'next-stage': 'Then the next stage begins.',
    'next-round': 'Then the next round begins.',
    'run-ends': 'Then the run ends.',
  } satisfies Record<NextView['then'], string>,
} as const;
