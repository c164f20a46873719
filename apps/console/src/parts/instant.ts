/** Instants of the coordinator, which are UTC, as words in the viewer's zone. */
import { LOCALE } from '../strings/words.js';

const time = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exact = new Intl.DateTimeFormat(LOCALE, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric' });

export interface InstantStyle {
  readonly seconds?: boolean;
  /** Milliseconds since 1970: what counts as today. */
  readonly nowMs?: number;
}

/** Only the time if it is today. */
export function instantText(iso: string, { seconds = false, nowMs = Date.now() }: InstantStyle = {}): string {
  const at = new Date(iso);
  const now = new Date(nowMs);
  const clock = (seconds ? exact : time).format(at);
  if (at.toDateString() === now.toDateString()) return clock;
  return `${(at.getFullYear() === now.getFullYear() ? day : dayAndYear).format(at)}, ${clock}`;
}

/** `2026-11-27 14:02:11 UTC` */
export const utcText = (iso: string): string => `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
