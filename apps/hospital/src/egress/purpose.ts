/** Why each kind of message leaves, and of which run and round it is. */
import { fromBase64 } from '@consilium/bytes';
import type { Envelope, RequestName } from '@consilium/protocol';

export const PURPOSES: Readonly<Record<RequestName, string>> = {
  hello: 'begins a connection',
  prove: 'proves who this hospital is',
  sync: 'asks for what is new',
  consent: 'takes part in a run',
  refuse: 'takes no part in a run, by the policy of this hospital',
  'blob.read': 'reads the shared head',
  'update.offer': 'announces the sealed update: number of training images, training loss',
  'update.chunk': 'the sealed update',
  'update.commit': 'ends the sealed update',
  decline: 'sends no update for a round',
  evaluation: 'figures of the shared head on held-out images',
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
