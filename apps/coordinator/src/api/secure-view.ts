/** The numbers of a run in the mode secagg, for people who have to decide about it. */
import type { RunCheck, RunDetail } from '@consilium/operator-api';
import type { RunConfig } from '@consilium/protocol';
import { safeThreshold } from '@consilium/secagg';

/** A ring element has as many. */
const RING_BITS = 32;

/** @returns null where the mode has no such thing. */
export function secureView({
  secagg,
  roster,
  minHospitals,
  clipNorm,
}: RunConfig): Pick<RunCheck, 'thresholds' | 'overflow'> {
  if (secagg === undefined) return { thresholds: null, overflow: null };
  const hospitals = roster.length;
  const threshold = safeThreshold(hospitals, secagg.tolerated);
  const largest = hospitals * Math.max(secagg.zMax, secagg.weightCap);
  return {
    thresholds: {
      ...{ hospitals, threshold, tolerated: secagg.tolerated },
      mayDrop: hospitals - Math.max(threshold, minHospitals),
    },
    // One bit is the sign's.
    overflow: { ringBits: RING_BITS, usedBits: Math.log2(largest) + 1, step: Number(clipNorm) / secagg.zMax },
  };
}

/** Hospitals with which a round can begin: enough for the threshold that so many have. */
export function leastHospitals({ secagg, minHospitals, roster }: RunConfig): number {
  if (secagg === undefined) return minHospitals;
  for (let n = minHospitals; n < roster.length; n++) if (n >= safeThreshold(n, secagg.tolerated)) return n;
  return roster.length;
}

/** What the coordinator could see. */
export const visibleIn = ({ secagg }: RunConfig): RunDetail['visible'] =>
  secagg === undefined
    ? { updates: 'each', figures: 'each', colluders: null }
    : { updates: 'sum', figures: 'sum', colluders: secagg.tolerated };
