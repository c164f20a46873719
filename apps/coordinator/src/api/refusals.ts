/** Hospitals that take no part in a run by their own policy, out of what they signed. */
import { parseUnverified, type HospitalId, type PolicyRule } from '@consilium/protocol';
import type { RunStore } from '@consilium/store';

/** The last rule that each named. */
export type Refusals = ReadonlyMap<HospitalId, PolicyRule>;

export async function readRefusals(store: Pick<RunStore, 'documents'>, runId: string): Promise<Refusals> {
  const rules = new Map<HospitalId, PolicyRule>();
  for await (const { body } of store.documents(runId, 'refusal')) {
    // Its signature was checked before it was stored.
    const { from, rule } = parseUnverified('refusal', JSON.parse(body)).body;
    rules.set(from, rule);
  }
  return rules;
}
