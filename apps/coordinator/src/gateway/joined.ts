/**
 * Chunks as one array for the time of a write. The arrays are used again: V8 collects its whole heap for every 64 MB that are
 * allocated outside of it, and updates pass through here by the gigabyte.
 */
const SPARE = 4;
const spare: Uint8Array<ArrayBuffer>[] = [];

/**
 * @param parts - at most `sizeBytes` together.
 * @param sizeBytes - of the arrays that are kept; always the same.
 * @param use - may not keep the array when it has settled.
 */
export async function joined<T>(
  parts: readonly Uint8Array[],
  sizeBytes: number,
  use: (whole: Uint8Array) => Promise<T>,
): Promise<T> {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return use(only);
  const room = spare.pop() ?? new Uint8Array(sizeBytes);
  let end = 0;
  for (const part of parts) {
    room.set(part, end);
    end += part.length;
  }
  try {
    return await use(room.subarray(0, end));
  } finally {
    if (spare.length < SPARE) spare.push(room);
  }
}
