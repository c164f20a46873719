/** Separable blurs on row-major rasters. */

/** Repeated box blur with edges extended; three passes are close to a Gaussian of sigma = sqrt(r (r + 1)). */
export function boxBlur(
  values: Float32Array,
  widthPixels: number,
  heightPixels: number,
  radiusPixels: number,
  passes: number,
): Float32Array {
  let source = values;
  for (let pass = 0; pass < passes; pass++) {
    const rows = boxRowsTransposed(source, widthPixels, heightPixels, radiusPixels);
    source = boxRowsTransposed(rows, heightPixels, widthPixels, radiusPixels);
  }
  return source;
}

/** Blurs along rows and writes the transpose, so that both directions read memory in order. */
function boxRowsTransposed(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const scale = 1 / (2 * radius + 1);
  for (let j = 0; j < height; j++) {
    const base = j * width;
    let sum = 0;
    for (let d = -radius; d <= radius; d++) sum += values[base + Math.min(width - 1, Math.max(0, d))] as number;
    for (let i = 0; i < width; i++) {
      out[i * height + j] = sum * scale;
      const entering = values[base + Math.min(width - 1, i + radius + 1)] as number;
      sum += entering - (values[base + Math.max(0, i - radius)] as number);
    }
  }
  return out;
}

/** The broad local mean of a square raster, worked out on blocks of 4 x 4 pixels and interpolated. */
export function broadMean(values: Float32Array, sizePixels: number, radiusPixels: number): Float32Array {
  const blocks = Math.ceil(sizePixels / 4);
  const means = new Float32Array(blocks * blocks);
  for (let j = 0; j < blocks; j++) {
    for (let i = 0; i < blocks; i++) {
      let sum = 0;
      for (let d = 0; d < 16; d++) {
        const row = Math.min(sizePixels - 1, 4 * j + (d >> 2));
        sum += values[row * sizePixels + Math.min(sizePixels - 1, 4 * i + (d & 3))] as number;
      }
      means[j * blocks + i] = sum / 16;
    }
  }
  const smooth = boxBlur(means, blocks, blocks, Math.max(1, Math.round(radiusPixels / 4)), 2);
  const out = new Float32Array(values.length);
  for (let j = 0; j < sizePixels; j++) {
    const row = Math.min(blocks - 1.001, Math.max(0, (j - 1.5) / 4));
    const r = row | 0;
    for (let i = 0; i < sizePixels; i++) {
      const column = Math.min(blocks - 1.001, Math.max(0, (i - 1.5) / 4));
      const c = column | 0;
      const k = r * blocks + c;
      const above = (smooth[k] as number) * (1 - column + c) + (smooth[k + 1] as number) * (column - c);
      const below =
        (smooth[k + blocks] as number) * (1 - column + c) + (smooth[k + blocks + 1] as number) * (column - c);
      out[j * sizePixels + i] = above * (1 - row + r) + below * (row - r);
    }
  }
  return out;
}

/** Gaussian blur with edges extended. @param sigmaPixels - 0 (a copy) or more; meant for small values. */
export function gaussianBlur(
  values: Float32Array,
  widthPixels: number,
  heightPixels: number,
  sigmaPixels: number,
): Float32Array {
  if (sigmaPixels === 0) return values.slice();
  const radius = Math.ceil(2.2 * sigmaPixels);
  const raw = Float64Array.from({ length: radius + 1 }, (_, d) => Math.exp(-(d * d) / (2 * sigmaPixels ** 2)));
  const total = 2 * raw.reduce((sum, w) => sum + w, 0) - 1;
  const weights = raw.map((w) => w / total);
  return convolveColumns(convolveRows(values, widthPixels, weights), widthPixels, heightPixels, weights);
}

/** @param weights - of the middle and of the neighbours at distance 1, 2, ...; the kernel is symmetric. */
function convolveRows(values: Float32Array, width: number, weights: Float64Array): Float32Array {
  const out = new Float32Array(values.length);
  const radius = weights.length - 1;
  const padded = new Float32Array(width + 2 * radius);
  for (let base = 0; base < values.length; base += width) {
    padded.set(values.subarray(base, base + width), radius);
    padded.fill(values[base] as number, 0, radius);
    padded.fill(values[base + width - 1] as number, width + radius);
    for (let i = 0; i < width; i++) {
      let sum = (weights[0] as number) * (padded[i + radius] as number);
      for (let d = 1; d <= radius; d++) {
        sum += (weights[d] as number) * ((padded[i + radius - d] as number) + (padded[i + radius + d] as number));
      }
      out[base + i] = sum;
    }
  }
  return out;
}

function convolveColumns(values: Float32Array, width: number, height: number, weights: Float64Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let j = 0; j < height; j++) {
    const base = j * width;
    for (let d = 0; d < weights.length; d++) {
      const above = Math.max(0, j - d) * width;
      const below = Math.min(height - 1, j + d) * width;
      const weight = (weights[d] as number) * (d === 0 ? 0.5 : 1);
      for (let i = 0; i < width; i++) {
        out[base + i] =
          (out[base + i] as number) + weight * ((values[above + i] as number) + (values[below + i] as number));
      }
    }
  }
  return out;
}
