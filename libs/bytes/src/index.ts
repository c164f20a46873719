export { BytesError, concatBytes, equalBytes, utf8 } from './bytes.js';
export { fromBase64, fromHex, toBase64, toHex } from './text.js';
export { lengthPrefixed } from './length-prefixed.js';
export { canonicalBytes, canonicalJson, parseCanonicalJson, type Json } from './canonical-json.js';
export { sha256, sha256Hex } from './sha256.js';
