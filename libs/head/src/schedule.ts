/** The learning rate over a run. Its clock counts epochs of the run, not of a call. */
import { HeadError } from './errors.js';

/**
 * What the learning rate is multiplied with in epoch e = 0 .. T - 1 of a run of T epochs:
 *
 * - constant: 1
 * - cosine: minFactor + (1 - minFactor) (1 + cos(pi e / T)) / 2, minFactor in [0, 1]; never reaches minFactor itself
 * - step: factor^floor(e / everyEpochs), factor in (0, 1]
 *
 * @see Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983, equation 5 without restarts
 */
export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'cosine'; readonly minFactor: number }
  | { readonly kind: 'step'; readonly everyEpochs: number; readonly factor: number };

/**
 * Where a call stands in its run. Round r of a run of R rounds of E epochs has `epochsBefore` (r - 1) E and `epochsOfRun`
 * R E, so that every hospital knows its learning rates from the signed configuration, and a head that is trained alone for
 * R E epochs meets the same ones in the same order.
 */
export interface RunSpan {
  readonly epochsBefore: number;
  readonly epochsOfRun: number;
}

/** @throws {@link HeadError} `BAD_SETTINGS`. */
export function checkSchedule(schedule: Schedule, { epochsBefore, epochsOfRun }: RunSpan, epochs: number): void {
  const isFactor = (value: number): boolean => value >= 0 && value <= 1;
  const isSound =
    schedule.kind === 'constant' ||
    (schedule.kind === 'cosine' && isFactor(schedule.minFactor)) ||
    (schedule.kind === 'step' &&
      isFactor(schedule.factor) &&
      schedule.factor > 0 &&
      Number.isSafeInteger(schedule.everyEpochs) &&
      schedule.everyEpochs >= 1);
  if (!isSound) {
    throw new HeadError('BAD_SETTINGS', 'a schedule has factors of at most 1, and steps of at least one epoch');
  }
  const isInside =
    Number.isSafeInteger(epochsBefore) &&
    epochsBefore >= 0 &&
    Number.isSafeInteger(epochsOfRun) &&
    epochsBefore + epochs <= epochsOfRun;
  if (!isInside) throw new HeadError('BAD_SETTINGS', 'these epochs do not lie within those of the run');
}

/** @param epoch - of the run, from 0. @returns What the learning rate is multiplied with, [0, 1]. */
export function scheduleFactor(schedule: Schedule, epoch: number, epochsOfRun: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'cosine':
      return schedule.minFactor + ((1 - schedule.minFactor) * (1 + Math.cos((Math.PI * epoch) / epochsOfRun))) / 2;
    case 'step':
      return schedule.factor ** Math.floor(epoch / schedule.everyEpochs);
  }
}
