/**
 * Losses and scores as whole numbers inside a masked vector, and a sum of them back. Each is bounded, so that 200 hospitals
 * stay within the ring; what is held out counts with at most {@link HELD_OUT_CAP} images of a hospital.
 */

/** How one hospital does: only ever summed. */
export interface LocalFigures {
  /** Mean training loss, nats; 0 where nothing was trained. */
  readonly trainLoss: number;
  /** Of the head that the round starts from, on this hospital's held-out part; undefined where nothing is held out. */
  readonly heldOut:
    | {
        readonly examples: number;
        /** Nats. */
        readonly loss: number;
        readonly accuracy: number;
        readonly balancedAccuracy: number;
        readonly auc: number | null;
      }
    | undefined;
}

export interface SummedFigures {
  /** Held-out images, as far as they count. */
  readonly examples: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** null where no hospital's part defines it. */
  readonly auc: number | null;
}

const HELD_OUT_CAP = 1_000;
/** 200 of them are below 2^31. */
const LARGEST = 8_000_000;
const LOSS_UNITS_PER_NAT = 1_000;
const SHARE_UNITS = LARGEST / HELD_OUT_CAP;

/** In the order in which they stand in the vector; part of every plan. */
export const SECURE_METRICS = [
  { name: 'train-loss', max: LARGEST },
  { name: 'held-out', max: HELD_OUT_CAP },
  { name: 'loss', max: LARGEST },
  { name: 'accuracy', max: LARGEST },
  { name: 'balanced-accuracy', max: LARGEST },
  { name: 'held-out-auc', max: HELD_OUT_CAP },
  { name: 'auc', max: LARGEST },
] as const;

/** A figure that is no number (training has diverged) counts as the worst. */
const bounded = (value: number): number =>
  Number.isNaN(value) ? LARGEST : Math.min(LARGEST, Math.max(0, Math.round(value)));

/** Nothing where nobody is counted: an infinite loss times none would be no number. */
const weighed = (value: number, weight: number): number => (weight === 0 ? 0 : bounded(value * weight));

/** @returns One whole number for each of {@link SECURE_METRICS}. */
export function encodeFigures({ trainLoss, heldOut }: LocalFigures): number[] {
  const weight = Math.min(HELD_OUT_CAP, heldOut?.examples ?? 0);
  const aucWeight = heldOut?.auc === null ? 0 : weight;
  return [
    bounded(trainLoss * LOSS_UNITS_PER_NAT),
    weight,
    weighed((heldOut?.loss ?? 0) * LOSS_UNITS_PER_NAT, weight),
    weighed((heldOut?.accuracy ?? 0) * SHARE_UNITS, weight),
    weighed((heldOut?.balancedAccuracy ?? 0) * SHARE_UNITS, weight),
    aucWeight,
    weighed((heldOut?.auc ?? 0) * SHARE_UNITS, aucWeight),
  ];
}

/**
 * @param sums - of {@link SECURE_METRICS} over so many hospitals.
 * @returns Means: of the training loss over hospitals, of the others over held-out images.
 */
export function decodeFigures(
  sums: readonly number[],
  hospitals: number,
): { readonly trainLoss: number; readonly figures: SummedFigures | null } {
  const [trainLoss = 0, weight = 0, loss = 0, accuracy = 0, balancedAccuracy = 0, aucWeight = 0, auc = 0] = sums;
  return {
    trainLoss: trainLoss / LOSS_UNITS_PER_NAT / hospitals,
    figures:
      weight === 0
        ? null
        : {
            examples: weight,
            loss: loss / LOSS_UNITS_PER_NAT / weight,
            accuracy: accuracy / SHARE_UNITS / weight,
            balancedAccuracy: balancedAccuracy / SHARE_UNITS / weight,
            auc: aucWeight === 0 ? null : auc / SHARE_UNITS / aucWeight,
          },
  };
}
