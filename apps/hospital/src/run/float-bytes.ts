/** float32 little-endian, as heads and updates travel. A view, not a copy. */
export const floatBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
