/** Whether a file is what it was when it was imported, and whether this machine computes the same from it. */
import { type Architecture, resnet50 } from './architecture.js';
import { openEngine } from './engines.js';
import { type BackboneFile, openBackboneFile } from './files.js';
import { SELF_CHECK_TOLERANCE, selfCheckError } from './self-check.js';

/** `absent`: the file is older than the check, and importing it again adds it. */
export type Outcome = 'passed' | 'failed' | 'absent';

export interface Verification {
  readonly file: BackboneFile;
  /** The hash in the file against that of its contents. */
  readonly hash: Outcome;
  /** Features of the built-in picture here against those at the import. */
  readonly selfCheck: Outcome;
  /** Norm of their difference over the norm of the expected ones; passed up to 1e-4. */
  readonly relativeError?: number;
}

/**
 * Every tensor is checked for its shape and for being finite, too.
 *
 * @throws {@link BackboneError} as `loadBackbone`, but a hash that differs is an outcome; `ENGINE_UNAVAILABLE`,
 * `FEATURES_NOT_FINITE`.
 * @param shape - smaller than ResNet50 in tests alone.
 */
export async function verifyBackbone(
  path: string,
  { threads }: { readonly threads: number },
  shape: Omit<Architecture, 'variant'> = resnet50('v1.5'),
): Promise<Verification> {
  const file = await openBackboneFile(path, shape);
  const { backbone, storedHash, selfCheck } = file;
  const hash = storedHash === undefined ? 'absent' : storedHash === backbone.hash ? 'passed' : 'failed';
  if (selfCheck === undefined) return { file, hash, selfCheck: 'absent' };
  const engine = await openEngine(backbone, { threads });
  const relativeError = await selfCheckError(engine, backbone.side, selfCheck).finally(() => engine.close());
  // Not "greater than": NaN fails.
  return { file, hash, selfCheck: relativeError <= SELF_CHECK_TOLERANCE ? 'passed' : 'failed', relativeError };
}
