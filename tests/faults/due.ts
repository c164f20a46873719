/** What an enrolled hospital may say, and when in a run it is due: good samples for mutants to be made of. */
import { canonicalBytes, toHex, type Json } from '@consilium/bytes';
import { generateIdentity } from '@consilium/crypto';
import type { Envelope, RequestName } from '@consilium/protocol';
import { forge, type RawCredentials } from '../support/raw-hospital.js';

/** What is mutated, before mallory's first request of the name `before`. */
export interface Kind {
  readonly before: RequestName;
  /** @param said - that request. */
  readonly sample: (said: object, me: RawCredentials) => object;
}

const itself = (name: RequestName): Kind => ({ before: name, sample: (said) => said });

/** A statement that mallory has no reason to make, from one that it makes. */
const instead = (
  before: RequestName,
  name: string,
  body: (said: Record<string, Json>, me: RawCredentials) => object,
): Kind => ({
  before,
  sample: (said, me) => {
    const { statement } = said as { readonly statement?: Envelope };
    const payload = statement === undefined ? '{}' : Buffer.from(statement.payload, 'base64').toString('utf8');
    return {
      statement: forge(
        name,
        canonicalBytes(body(JSON.parse(payload) as never, me) as Json),
        me.hospitalId,
        me.identity,
      ),
    };
  },
});

const placeOf = ({ v, runId, round, attempt, from, planDigest }: Record<string, Json>) => ({
  ...{ v, runId, round, attempt, from, planDigest },
});
const compared = { comparedBy: 'Mallory', how: 'phone', at: '2026-03-01T08:00:00.000Z' };
export const keyOf = ({ identity }: RawCredentials): string => toHex(identity.publicKey);

type Kinds = Partial<Record<RequestName, Kind>>;

export const SEALED: Kinds = {
  membership: { before: 'consent', sample: () => ({}) },
  verify: instead('consent', 'verification', () => ({
    v: 1,
    from: 'mallory',
    rosterDigest: 'ab'.repeat(32),
    ...compared,
  })),
  rotate: {
    before: 'consent',
    sample: (_, me) => {
      const coordinatorKey = toHex(me.coordinatorKey);
      const next = generateIdentity();
      // Of another hospital: of its own it would be believed.
      const body = {
        v: 1,
        hospitalId: 'a',
        coordinatorKey,
        oldKey: keyOf(me),
        newKey: toHex(next.publicKey),
        at: compared.at,
      };
      const [old, renewed] = [me.identity, next].map((signer) =>
        forge('rotation', canonicalBytes(body), 'mallory', signer),
      );
      return { old, new: renewed };
    },
  },
  revoke: instead('consent', 'revocation', (_, me) => ({
    ...{ v: 1, hospitalId: 'a', identityKey: keyOf(me), coordinatorKey: toHex(me.coordinatorKey), at: compared.at },
  })),
  sync: { before: 'consent', sample: () => ({}) },
  about: { before: 'consent', sample: () => ({ version: '0.1.0', engine: 'cpu-1', clockMs: 1_767_225_600_000 }) },
  consent: itself('consent'),
  refuse: instead('consent', 'refusal', (consent) => ({ ...consent, rule: 'STUDY_NOT_ALLOWED' })),
  'blob.read': itself('blob.read'),
  'update.offer': itself('update.offer'),
  'update.chunk': itself('update.chunk'),
  'update.commit': itself('update.commit'),
  decline: instead('update.offer', 'decline', (update) => ({
    ...placeOf(update),
    reason: 'POLICY',
    rule: 'OUTSIDE_HOURS',
  })),
  evaluation: itself('evaluation'),
};

export const SECURE: Kinds = {
  advert: itself('advert'),
  decline: instead('advert', 'decline', (advert) => ({ ...placeOf(advert), reason: 'POLICY', rule: 'OUTSIDE_HOURS' })),
  shares: itself('shares'),
  'deliveries.read': itself('deliveries.read'),
  complaint: instead('update.offer', 'complaint', (masked) => ({
    ...placeOf(masked),
    ...{ sessionId: masked['sessionId'], accused: 'a' },
  })),
  'update.offer': itself('update.offer'),
  'update.chunk': itself('update.chunk'),
  'update.commit': itself('update.commit'),
  agree: itself('agree'),
  unmask: itself('unmask'),
  'round.read': { before: 'unmask', sample: () => ({ runId: 'test-run', round: 1 }) },
};
