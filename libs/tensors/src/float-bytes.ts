/** Flat vectors as they travel and lie on disk: float32, little-endian. */

/** A view and not a copy, shape (4 * d,). Every machine that Node runs on in practice is little-endian. */
export const floatBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
