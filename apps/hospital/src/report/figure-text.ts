/** Figures as people read them. */
import type { Interval } from '@consilium/head';

export const figure = (value: number | null | undefined, digits = 2): string =>
  value === null || value === undefined ? '-' : value.toFixed(digits);

export function range(interval: Interval | null | undefined): string {
  if (!interval) return 'no interval';
  // Two equal numbers would look like certainty.
  if (interval.lower === interval.upper) return 'no spread';
  return `${figure(interval.lower)} to ${figure(interval.upper)}`;
}

export const plural = (n: number, one: string): string => `${String(n)} ${one}${n === 1 ? '' : 's'}`;

/** Below this many patients an interval is wide enough to hold almost any claim. */
const FEW_PATIENTS = 50;

/** What the size of a test part allows to say, in a sentence or two. */
export function howSure(images: number, patients: number, accuracy: number | null, interval: Interval | null): string {
  const size = `${plural(images, 'test image')} of ${plural(patients, 'patient')}`;
  if (images === 0) return 'No image is held out here, so that nothing can be said about any head.';
  if (interval === null) return `${size}: too few for an interval; the figures say next to nothing.`;
  if (interval.lower === interval.upper) {
    const seen = accuracy === 1 ? 'no mistake of the shared head was seen' : 'no resample differs from another';
    const otherwise = Math.round(100 * Math.min(1, 3 / patients));
    return `${size}: ${seen}, which is no proof. With so few patients up to ${String(otherwise)} in 100 may be otherwise (rule of three).`;
  }
  const spans = `${size}: the 95 % interval of the shared head's accuracy is ${range(interval)}.`;
  return patients < FEW_PATIENTS
    ? `${spans} Differences between columns that are smaller than that say little.`
    : spans;
}
