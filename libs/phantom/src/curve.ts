/** Smooth steps and outlines: how a few traced landmarks become a contour without overshoot. */

/** 0 at or below `low`, 1 at or above `high`, smooth in between; `low` may be above `high` for a falling step. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** A landmark of an outline: at `y` (cm, downwards) it is `x` (cm) from its axis. */
export type Landmark = readonly [y: number, x: number];

/**
 * Monotone cubic through the landmarks, constant beyond the first and the last.
 * Monotone because an ordinary spline bulges at the shoulder and the aortic knob.
 *
 * @param landmarks - at least two, strictly increasing in y.
 * @see Fritsch and Carlson, SIAM J. Numer. Anal. 17 (1980), doi:10.1137/0717021
 */
export function outline(landmarks: readonly Landmark[]): (y: number) => number {
  const ys = landmarks.map(([y]) => y);
  const xs = landmarks.map(([, x]) => x);
  const slope = (i: number): number => (at(xs, i + 1) - at(xs, i)) / (at(ys, i + 1) - at(ys, i));
  const tangents = landmarks.map((_, i) => {
    if (i === 0 || i === landmarks.length - 1) return slope(Math.max(0, i - 1));
    const [before, after] = [slope(i - 1), slope(i)];
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  });
  return (y) => {
    const next = ys.findIndex((knot) => knot > y);
    if (next <= 0) return at(xs, next === 0 ? 0 : xs.length - 1);
    const i = next - 1;
    const step = at(ys, next) - at(ys, i);
    const t = (y - at(ys, i)) / step;
    const [t2, t3] = [t * t, t * t * t];
    return (
      (2 * t3 - 3 * t2 + 1) * at(xs, i) +
      (t3 - 2 * t2 + t) * step * at(tangents, i) +
      (3 * t2 - 2 * t3) * at(xs, next) +
      (t3 - t2) * step * at(tangents, next)
    );
  };
}

function at(values: readonly number[], i: number): number {
  return values[i] as number;
}
