/** The sender's half of the norm bound. */

/**
 * Scales an update down to the bound if it is longer, in place.
 *
 * @param update - float32, shape (d,), finite.
 * @param clipNorm - largest L2 norm, > 0, dimensionless; met up to the rounding to float32.
 * @throws RangeError for a bound that is not above zero.
 */
export function clipUpdate(update: Float32Array, clipNorm: number): void {
  if (!(clipNorm > 0)) throw new RangeError('clipNorm must be above zero');
  let squares = 0;
  for (let k = 0; k < update.length; k++) squares += (update[k] as number) * (update[k] as number);
  const norm = Math.sqrt(squares);
  if (norm <= clipNorm) return;
  const scale = clipNorm / norm;
  for (let k = 0; k < update.length; k++) update[k] = (update[k] as number) * scale;
}
