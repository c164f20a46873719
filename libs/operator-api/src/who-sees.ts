/** Who could see what in a run, in the words that its terminals, reports and approvals share (libs/secagg/SPEC.md, section 1). */
import type { RunConfig } from '@consilium/protocol';

/** What secure aggregation holds against. */
export interface Collusion {
  /** n: of the signed roster. */
  readonly hospitals: number;
  /** c: so many may put together with the coordinator what they know. */
  readonly tolerated: number;
}

/** @returns null where the coordinator sees each update anyway. */
export const collusionOf = ({ secagg, roster }: Pick<RunConfig, 'secagg' | 'roster'>): Collusion | null =>
  secagg === undefined ? null : { hospitals: roster.length, tolerated: secagg.tolerated };

/** One line that says c and t. The threshold is that of a round with all; one of a part of them has its own. */
export function collusionLine({ hospitals, tolerated }: Collusion): string {
  const threshold = Math.floor((hospitals + tolerated) / 2) + 1;
  const usual = Math.floor((hospitals - 1) / 3);
  const others = Math.max(3, threshold) - tolerated;
  return [
    `c = ${tolerated} of ${hospitals} hospitals may collude with the coordinator and see no single update`,
    tolerated < usual ? ` (FEWER THAN THE USUAL ${usual})` : '',
    `; t = ${threshold} open a sum`,
    tolerated > 0 ? `; who colludes sees the sum of ${others} others, at least` : '',
  ].join('');
}

const LINES: Readonly<Record<RunConfig['mode'], readonly string[]>> = {
  secagg: [
    'the coordinator: the sum of all updates of a round, and no single one, unless it colludes with too many hospitals',
    'other hospitals: the new shared head of each round',
  ],
  sealed: [
    'the coordinator: EACH UPDATE OF THIS HOSPITAL, in the clear',
    'other hospitals: the new shared head of each round; not this hospital’s update',
  ],
};

/** For the people of one hospital. */
export function whoSees(config: Pick<RunConfig, 'mode' | 'secagg' | 'roster'>): readonly string[] {
  const collusion = collusionOf(config);
  return [...LINES[config.mode], ...(collusion === null ? [] : [collusionLine(collusion)])];
}
