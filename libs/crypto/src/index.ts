export { CryptoError, type CryptoErrorCode } from './errors.js';
export { fingerprint, generateIdentity, type Identity } from './identity.js';
export { loadOrCreateIdentity } from './key-file.js';
export { isSafePublicKey, signBytes, verifyStrict } from './signature.js';
export { agree, generateRoundKey, isSafeAgreementKey, type RoundKey } from './agreement.js';
export { BlobDigest, digestBlob, hkdfSha256 } from './derive.js';
export type { SealContext } from './seal-context.js';
export { sealedSizeBytes } from './sealed-layout.js';
export { openSealedChunks, openSealedUpdate, sealUpdate } from './sealed-update.js';
