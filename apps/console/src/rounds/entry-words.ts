/** One entry of the activity as a sentence, who did it, and how it ended. Pure. */
import type { ActivityEntry } from '@consilium/operator-api';
import type { Tone } from '../parts/mark.js';
import { actionWords, activity, eventWords } from '../strings/activity.js';

export function entryWords(entry: ActivityEntry): string {
  if (entry.kind === 'event') {
    const { round } = entry.detail;
    const what = eventWords[entry.type] ?? spelled(entry.type);
    return typeof round === 'number' ? `${what} (round ${round})` : what;
  }
  const what = actionWords[entry.action] ?? spelled(entry.action);
  const whom = entry.operator ?? entry.hospital;
  const said = whom === null || whom === entry.by.name ? what : activity.towards(what, whom);
  switch (entry.outcome) {
    case 'allowed':
      return said;
    case 'refused':
      return activity.refused(said, entry.code);
    case 'failed':
      return activity.failed(said, entry.code);
  }
}

/** `run.retry-all` -> `Run: retry all` */
function spelled(name: string): string {
  const text = name.replace('.', ': ').replaceAll('-', ' ');
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function entryWho(entry: ActivityEntry): string {
  if (entry.kind === 'event') return entry.hospital ?? activity.coordinator;
  switch (entry.by.kind) {
    case 'operator':
      return entry.by.name ?? activity.by.nobody;
    case 'token':
      return activity.by.token(entry.by.name ?? '');
    case 'home':
      return activity.by.home;
    case 'nobody':
      return activity.by.nobody;
  }
}

const BAD_EVENTS = new Set(['failed', 'stop']);
const LATE_EVENTS = new Set(['disconnected', 'declined', 'timer', 'restarted']);

export function outcomeTone(entry: ActivityEntry): Tone {
  if (entry.kind === 'event') return BAD_EVENTS.has(entry.type) ? 'bad' : LATE_EVENTS.has(entry.type) ? 'late' : 'good';
  return { allowed: 'good', refused: 'bad', failed: 'late' }[entry.outcome] as Tone;
}
