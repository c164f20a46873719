/** Which mask streams a hospital puts on its vector, and which remain in a sum (Bonawitz et al. 2017, section 4). */
import type { MaskTerm } from '@consilium/crypto';
import type { Cohort, Member } from './cohort.js';
import { addsMask, type AttemptKeys, pairMaskKeys, selfMaskKey } from './keys.js';

/** One's own self mask, and the masks shared with each other hospital that dealt its shares. */
export function ownMasks(cohort: Cohort, dealt: readonly Member[], self: Member, keys: AttemptKeys): MaskTerm[] {
  const { sessionId } = cohort;
  const keyWith = pairMaskKeys(sessionId, keys.mask);
  const pairs = dealt
    .filter(({ x }) => x !== self.x)
    .map(({ maskKey }): MaskTerm => ({
      key: keyWith(maskKey),
      sign: addsMask(keys.mask.publicKey, maskKey) ? 1 : -1,
    }));
  return [{ key: selfMaskKey(sessionId, keys.selfSeed, self.maskKey), sign: 1 }, ...pairs];
}

/** The secret of one hospital that the others' shares gave back. */
export interface RecoveredSecret {
  readonly member: Member;
  readonly type: 'self-seed' | 'mask-key';
  readonly secret: Uint8Array;
}

/**
 * What is to be added to the survivors' sum so that no mask is left: each survivor's self mask, and its masks with those
 * that dealt shares and sent no vector. Masks between survivors have cancelled.
 */
export function remainingMasks(
  { sessionId }: Cohort,
  survivors: readonly Member[],
  recovered: readonly RecoveredSecret[],
): MaskTerm[] {
  return recovered.flatMap(({ member, type, secret }): MaskTerm[] => {
    if (type === 'self-seed') return [{ key: selfMaskKey(sessionId, secret, member.maskKey), sign: -1 }];
    const keyWith = pairMaskKeys(sessionId, { publicKey: member.maskKey, secretKey: secret });
    return survivors.map(({ maskKey }) => ({
      key: keyWith(maskKey),
      sign: addsMask(maskKey, member.maskKey) ? -1 : 1,
    }));
  });
}

export function forgetMasks(terms: readonly MaskTerm[]): void {
  for (const { key } of terms) key.fill(0);
}
