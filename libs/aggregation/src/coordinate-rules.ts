/** Median and trimmed mean, coordinate by coordinate (Yin et al., ICML 2018, definitions 1 and 2). */
import { type Block } from './update-blocks.js';

export interface CoordinateResult {
  /** float64, shape (d,). */
  readonly mean: Float64Array;
  /** For each update: in how many coordinates its value lay outside of the range that was averaged. */
  readonly outside: Float64Array;
}

/**
 * The mean of what is left of each coordinate without its `trim` smallest and `trim` largest values. With all but one value
 * trimmed, or two of an even count, it is the median. Values are added in ascending order: the order of updates changes no bit.
 *
 * @param count - n, with 2 trim < n.
 */
export async function trimmedMean(
  blocks: AsyncIterable<Block>,
  { count, parameters, trim }: { readonly count: number; readonly parameters: number; readonly trim: number },
): Promise<CoordinateResult> {
  const [mean, outside] = [new Float64Array(parameters), new Float64Array(count)];
  const column = new Float32Array(count);
  for await (const { from, to, parts } of blocks) {
    for (let k = from; k < to; k++) {
      for (let i = 0; i < count; i++) column[i] = (parts[i] as Float32Array)[k - from] as number;
      column.sort();
      let sum = 0;
      for (let i = trim; i < count - trim; i++) sum += column[i] as number;
      mean[k] = sum / (count - 2 * trim);
      const [least, most] = [column[trim] as number, column[count - trim - 1] as number];
      for (let i = 0; i < count; i++) {
        const value = (parts[i] as Float32Array)[k - from] as number;
        if (value < least || value > most) outside[i] = (outside[i] as number) + 1;
      }
    }
  }
  return { mean, outside };
}

/** What {@link trimmedMean} leaves out at each end for a median of n values. */
export const medianTrim = (count: number): number => Math.floor((count - 1) / 2);
