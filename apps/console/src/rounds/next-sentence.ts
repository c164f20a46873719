/** What happens next, in one or two sentences: `3 more updates needed by 14:02, else the round ends without St. Anna.` */
import type { NextView } from '@consilium/operator-api';
import { nextWords } from '../strings/stages.js';
import { words } from '../strings/words.js';

/** So many names are spelled out. */
const NAMES_SHOWN = 3;

export function listed(names: readonly string[], shown = NAMES_SHOWN): string {
  return words.and(names.slice(0, shown), Math.max(0, names.length - shown));
}

/** @param timeOf - an ISO instant as the viewer reads it. */
export function nextSentence(next: NextView, timeOf: (iso: string) => string): string {
  if (next.waitsFor === 'operator') return nextWords.paused;
  if (next.waitsFor === 'coordinator') return `${nextWords.ownWork} ${nextWords.then[next.then]}`;
  return next.needs > 0 ? needed(next, timeOf) : enough(next, timeOf);
}

function needed(next: NextView, timeOf: (iso: string) => string): string {
  const { needs, waitsFor, by, otherwise, without, missing, then } = next;
  const start = nextWords.needed(needs, waitsFor) + (by === null ? '' : nextWords.by(timeOf(by)));
  const awaited = missing.length === 0 ? '' : ` ${nextWords.awaited(listed(missing))}`;
  return `${start}${by === null ? '' : consequence(otherwise, without)}.${awaited} ${nextWords.then[then]}`;
}

function consequence(otherwise: NextView['otherwise'], without: readonly string[]): string {
  switch (otherwise) {
    case 'waits-on':
      return nextWords.elseWaits;
    case 'round-again':
      return nextWords.elseAgain;
    case 'run-ends':
      return nextWords.elseEnds;
    case null:
      return without.length === 0 ? '' : nextWords.elseEndsWithout(listed(without));
  }
}

function enough({ missing, without, by, then }: NextView, timeOf: (iso: string) => string): string {
  if (missing.length === 0) return `${nextWords.enough} ${nextWords.then[then]}`;
  const goesWithout = without.length > 0 ? without : missing;
  const wait = by === null ? nextWords.waits(listed(missing)) : nextWords.waitsUntil(listed(goesWithout), timeOf(by));
  return `${nextWords.enough}${wait} ${nextWords.then[then]}`;
}
