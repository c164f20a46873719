/**
 * Whether this hospital takes part in a run. Its own policy comes before any work, then its people, however long they take,
 * and then what its data and its own recomputation say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '@consilium/bytes';
import { digestBlob } from '@consilium/crypto';
import { initialParameters, parameterCount } from '@consilium/model-spec';
import type { Digest, Opened, PolicyRule, RunConfig } from '@consilium/protocol';
import { refuseConfig, type LocalRefusal } from '@consilium/rounds';
import { floatBytes } from '@consilium/tensors';
import type { Credentials } from '../channel/handshake.js';
import type { HospitalRules } from './hospital-rules.js';
import type { Learner, Prepared } from './learner.js';

export type Admission =
  | { readonly is: 'admitted'; readonly initialModel: Digest; readonly initial: Float32Array }
  | { readonly is: 'refused'; readonly code: LocalRefusal }
  | { readonly is: 'against-policy'; readonly rule: PolicyRule }
  /** It ended while a person was waited for. */
  | { readonly is: 'over' };

/** What people are waited for: a decision about the configuration, or a comparison of its roster. */
export type Awaited = 'awaiting-approval' | 'awaiting-roster';

export interface AdmissionPorts extends Credentials {
  readonly rules: HospitalRules;
  readonly learner: Learner;
  readonly modes: readonly RunConfig['mode'][];
  /** Read when it is needed: a policy refuses without it. */
  readonly prepared: () => Promise<Prepared>;
  /** Ends the waiting; the promise is rejected then. */
  readonly signal: AbortSignal;
  readonly awaiting: (whom: Awaited) => void;
  readonly isOver: () => boolean;
}

/** How often it is looked whether a person has decided. */
const LOOK_AGAIN_MS = 500;

export async function admit(config: Opened<'run-config'>, ports: AdmissionPorts): Promise<Admission> {
  const { rules, learner } = ports;
  const { body } = config;
  const rule = (await rules.refuseRun(body)) ?? (await consentOfPeople(config, ports));
  if (rule === 'OVER') return { is: 'over' };
  if (rule !== undefined) return { is: 'against-policy', rule };
  const prepared = await ports.prepared();
  const tooFew = await rules.refusePatients(body, () => learner.patients?.(body));
  if (tooFew !== undefined) return { is: 'against-policy', rule: tooFew };
  const initial = initialParameters(body.head, body.seed);
  const initialModel = digestBlob(floatBytes(initial)) as Digest;
  const code = refuseConfig(
    body,
    { hospitalId: ports.hospitalId, identityKey: toHex(ports.identity.publicKey), modes: ports.modes, ...prepared },
    { parameters: parameterCount(body.head), initialModel },
  );
  return code === undefined ? { is: 'admitted', initialModel, initial } : { is: 'refused', code };
}

async function consentOfPeople(
  config: Opened<'run-config'>,
  { rules, signal, awaiting, isOver }: AdmissionPorts,
): Promise<'NOT_APPROVED' | 'OVER' | undefined> {
  for (let said: Awaited | undefined; ;) {
    const approval = await rules.approvalOf(config);
    if (approval === 'denied') return 'NOT_APPROVED';
    const strangers = await rules.strangersIn(config.body);
    if (approval === 'given' && strangers.length === 0) return undefined;
    const awaited = strangers.length > 0 ? 'awaiting-roster' : 'awaiting-approval';
    if (awaited !== said) awaiting(awaited);
    said = awaited;
    if (isOver()) return 'OVER';
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}
