/** One integer version; each side names the range that it speaks and the highest common one is taken. */

export const PROTOCOL_VERSION = 1;

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export const supportedVersions: VersionRange = { min: 1, max: PROTOCOL_VERSION };

/** @returns The highest version that both speak, or undefined. */
export function negotiateVersion(theirs: VersionRange, ours: VersionRange = supportedVersions): number | undefined {
  const version = Math.min(theirs.max, ours.max);
  return version >= Math.max(theirs.min, ours.min) ? version : undefined;
}
