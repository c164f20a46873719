/**
 * What the coordinator remembers of disputes over shares, and whom it leaves out of later rounds for them. Nobody else can see
 * which of two lies; but whoever is in disputes with two others is the likelier liar, and a pair that disputes again would cost
 * every round an attempt.
 */
import type { HospitalId } from '@consilium/protocol';

/** One that counted: who complained, and of whose shares. */
export interface Dispute {
  readonly by: HospitalId;
  readonly accused: HospitalId;
}

/** @param disputes - oldest first. Those with a hospital that is left out do not count against others any more. */
export function leftOutOver(disputes: readonly Dispute[]): ReadonlySet<HospitalId> {
  const out = new Set<HospitalId>();
  const partners = new Map<HospitalId, Set<HospitalId>>();
  const partnersOf = (id: HospitalId): Set<HospitalId> => {
    const known = partners.get(id) ?? new Set();
    partners.set(id, known);
    return known;
  };
  for (const { by, accused } of disputes) {
    const isRepeated = partnersOf(by).has(accused);
    partnersOf(by).add(accused);
    partnersOf(accused).add(by);
    const guilty = [by, accused].filter((id) => isRepeated || partnersOf(id).size > 1);
    for (const id of guilty) out.add(id);
    for (const id of guilty) for (const others of partners.values()) others.delete(id);
  }
  return out;
}
