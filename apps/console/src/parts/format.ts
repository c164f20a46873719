/** Numbers and times as people read them, always with a unit. Pure: the zone and the language are the viewer's. */
import { LOCALE, words } from '../strings/words.js';

const number = (fractionDigits: number) =>
  new Intl.NumberFormat(LOCALE, { minimumFractionDigits: fractionDigits, maximumFractionDigits: fractionDigits });
const whole = number(0);

/** What is not known or not visible is never shown as zero. */
export const count = (value: number | null): string => (value === null ? words.none : whole.format(value));

/** A share or a loss: three decimals tell neighbouring rounds apart. */
export const figure = (value: number | null): string => (value === null ? words.none : number(3).format(value));

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units. */
export function bytes(value: number | null): string {
  if (value === null) return words.none;
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  return `${number(unit === 0 || scaled >= 99.95 ? 0 : 1).format(scaled)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** @param seconds - at least 0. */
export function duration(seconds: number | null): string {
  if (seconds === null) return words.none;
  if (seconds < 1) return `${whole.format(Math.round(seconds * 1_000))} ms`;
  if (seconds < 9.95) return `${number(1).format(seconds)} s`;
  if (seconds < 59.5) return `${whole.format(Math.round(seconds))} s`;
  const total = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  if (hours >= 48) return `${whole.format(Math.floor(hours / 24))} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return rest === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** For a counter that ticks: `0:42`, `12:07`, `1:02:07`. */
export function clock(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How far one clock is from another. */
export function skew(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 1) return words.clockAgrees;
  return ms > 0 ? words.clockAhead(duration(seconds)) : words.clockBehind(duration(seconds));
}
