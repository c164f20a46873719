/** Why each kind of message leaves, and of which run and round it is. */
import { fromBase64 } from '@consilium/bytes';
import type { Envelope, RequestName } from '@consilium/protocol';

export const PURPOSES: Readonly<Record<RequestName, string>> = {
  hello: 'begins a connection',
  prove: 'proves who this hospital is',
  join: 'joins by an invitation: public keys and the proof that it holds them',
  membership: 'asks how it stands with the coordinator',
  verify: 'says who compared the words of the roster, and how',
  rotate: 'changes its key',
  revoke: 'leaves for good',
  sync: 'asks for what is new',
  about: 'version of this program, engine and clock, for the roster',
  consent: 'takes part in a run',
  refuse: 'takes no part in a run, by the policy of this hospital',
  'blob.read': 'reads the shared head, or what a sum is checked with',
  'update.offer':
    'announces the update: sealed with number of training images and training loss, or masked without them',
  'update.chunk': 'the sealed or masked update',
  'update.commit': 'ends the update',
  decline: 'sends no update for a round',
  evaluation: 'figures of the shared head on held-out images',
  advert: 'fresh public keys for one attempt of a round',
  shares: 'encrypted shares of this attempt’s keys for the other hospitals',
  complaint: 'says that another hospital’s shares are wrong, and leaves the attempt',
  agree: 'agrees to the hospitals whose masked updates are summed',
  unmask: 'shares that open the sum of all, and no single update',
  'deliveries.read': 'reads the shares that others have for this hospital',
  'round.read': 'reads how a past round ended',
};

export interface Place {
  readonly runId: string | null;
  readonly round: number | null;
}

interface Sayable {
  readonly runId?: unknown;
  readonly round?: unknown;
  readonly blobDigest?: unknown;
}

/** What a signed statement of our own says of its place. */
export function saidIn(envelope: Envelope): Sayable {
  return JSON.parse(Buffer.from(fromBase64(envelope.payload)).toString('utf8')) as Sayable;
}

export const placeOf = ({ runId, round }: Sayable): Place => ({
  runId: typeof runId === 'string' ? runId : null,
  round: typeof round === 'number' ? round : null,
});
