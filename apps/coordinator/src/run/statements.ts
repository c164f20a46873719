/**
 * What the coordinator says of a run, signed. Signatures are deterministic: said again after a crash, a statement is the
 * same to the byte.
 */
import { toHex } from '@consilium/bytes';
import { signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { openStatement, signStatement, type Digest, type Opened, type Statement } from '@consilium/protocol';
import { SECURE_METRICS, type CoordinatorEffect } from '@consilium/rounds';
import { StoreError, type NewDocument } from '@consilium/store';
import type { Attachment } from './durable-machine.js';
import type { Answer } from './secure-session.js';

export type Effect<T extends CoordinatorEffect['type']> = Extract<CoordinatorEffect, { type: T }>;

/** Name of the secret that opens the updates of the round under way. */
export const ROUND_KEY = 'round-key';

const ERASED_KEY = { name: ROUND_KEY, value: undefined } as const;

/** @throws StoreError `STORE_CORRUPT` unless this coordinator signed it. */
export function openOwn<N extends 'run-config' | 'plan' | 'secagg-plan'>(
  { publicKey }: Identity,
  name: N,
  text: string,
): Opened<N> {
  try {
    return openStatement(name, JSON.parse(text), (bytes, signature) => verifyStrict(publicKey, bytes, signature));
  } catch {
    throw new StoreError('STORE_CORRUPT', `a stored ${name} is not one that this coordinator signed`);
  }
}

export const documentOf = (
  kind: string,
  { digest, envelope }: Pick<Opened<'plan'>, 'digest' | 'envelope'>,
): NewDocument => ({ digest, kind, body: JSON.stringify(envelope) });

type CoordinatorSays =
  | 'plan'
  | 'aggregate'
  | 'run-end'
  | 'secagg-plan'
  | 'roster'
  | 'deliver'
  | 'survivors'
  | 'unmask-request'
  | 'secagg-aggregate';

export class RunStatements {
  /** @param modelOf - the head that a round ended with. */
  constructor(
    private readonly identity: Identity,
    private readonly config: Opened<'run-config'>,
    private readonly modelOf: (round: number) => Digest | undefined,
  ) {}

  /** @param roundKey - X25519, shape (32,). */
  plan({ round, attempt, model, cohort }: Omit<Effect<'sign-plan'>, 'type'>, roundKey: Uint8Array): Opened<'plan'> {
    const { body, digest: configDigest } = this.config;
    return this.#sign('plan', {
      v: 1,
      runId: body.runId,
      ...{ round, attempt, configDigest, model },
      from: 'coordinator',
      roundKey: toHex(roundKey),
      cohort: [...cohort],
    });
  }

  /** @param nowMs - milliseconds since 1970, UTC. */
  securePlan(
    { round, attempt, model, cohort, secure }: Omit<Effect<'sign-plan'>, 'type'>,
    nowMs: number,
  ): Opened<'secagg-plan'> {
    const { body, digest: configDigest } = this.config;
    const { secagg } = body;
    if (secagg === undefined || secure === undefined) throw new TypeError('a sealed run has no secure plan');
    const isTraining = secure.lastly === undefined;
    const keys = new Map(body.roster.map(({ hospitalId, identityKey }) => [hospitalId, identityKey]));
    return this.#sign('secagg-plan', {
      v: 1,
      runId: body.runId,
      ...{ round, attempt, configDigest, model, mode: 'secagg', purpose: isTraining ? 'train' : 'evaluate' },
      from: 'coordinator',
      roster: [...cohort]
        .sort()
        .map((hospitalId, i) => ({ hospitalId, identityKey: keys.get(hospitalId) ?? '', x: i + 1 })),
      ...{
        tolerated: secagg.tolerated,
        threshold: secure.threshold,
        minCohort: Math.min(body.minHospitals, cohort.length),
      },
      ...{ weighting: body.weighting, clipNorm: body.clipNorm, weightCap: secagg.weightCap, zMax: secagg.zMax },
      parameters: isTraining ? body.parameters : 0,
      metrics: SECURE_METRICS.map(({ name, max }) => ({ name, max })),
      issuedAtMs: nowMs,
      deadlineMs: nowMs + body.roundTimeoutMs,
    });
  }

  answer(answer: Exclude<Answer, { name: 'sum' }>): Opened<'roster' | 'deliver' | 'survivors' | 'unmask-request'> {
    // The library's types have the same form; the schema is what counts.
    return this.#sign(answer.name, answer.body as never);
  }

  sum(effect: Effect<'publish-sum'>): Opened<'secagg-aggregate'> {
    const { round, attempt, planDigest, newModel: model, sum } = effect;
    const { sessionId, survivors, sumDigest, recovered, evidenceDigest, evidenceBytes } = sum;
    const { revealedDigest, revealedBytes, leavesDigest, leavesBytes } = sum;
    return this.#sign('secagg-aggregate', {
      v: 1,
      runId: this.config.body.runId,
      ...{ round, attempt, planDigest, sessionId, model, sumDigest },
      ...{ revealedDigest, revealedBytes, leavesDigest, leavesBytes, evidenceDigest, evidenceBytes },
      from: 'coordinator',
      ...{ survivors: [...survivors], recovered: [...recovered] },
    });
  }

  aggregate(effect: Effect<'publish-aggregate'>): Opened<'aggregate'> {
    const { round, attempt, planDigest, newModel, updates, totalExamples, exclusions } = effect;
    return this.#sign('aggregate', {
      v: 1,
      runId: this.config.body.runId,
      ...{ round, attempt, planDigest, totalExamples, model: newModel },
      from: 'coordinator',
      updates: updates.map(({ hospitalId, blobDigest }) => ({ hospitalId, blobDigest })),
      ...(exclusions.length > 0 && { exclusions: [...exclusions] }),
    });
  }

  end({ outcome, reason, rounds, bestRound }: Effect<'end-run'>): Opened<'run-end'> {
    const best = bestRound === undefined ? undefined : this.modelOf(bestRound);
    return this.#sign('run-end', {
      v: 1,
      runId: this.config.body.runId,
      from: 'coordinator',
      ...{ configDigest: this.config.digest, outcome, reason, rounds },
      best: bestRound === undefined || best === undefined ? null : { round: bestRound, model: best },
    });
  }

  /** What becomes durable before these effects are performed: the statements that they publish, and an end to old keys. */
  attachedTo(effects: readonly CoordinatorEffect[]): Attachment {
    const documents: NewDocument[] = [];
    let [closesRound, ended] = [false, false];
    for (const effect of effects) {
      if (effect.type === 'publish-aggregate') documents.push(documentOf('aggregate', this.aggregate(effect)));
      if (effect.type === 'publish-sum') documents.push(documentOf('secagg-aggregate', this.sum(effect)));
      if (effect.type === 'end-run') documents.push(documentOf('run-end', this.end(effect)));
      closesRound ||= effect.type === 'publish-aggregate' || effect.type === 'end-run';
      ended ||= effect.type === 'end-run';
    }
    return { documents, secrets: closesRound ? [ERASED_KEY] : [], ended };
  }

  #sign<N extends CoordinatorSays>(name: N, body: Statement<N>): Opened<N> {
    return signStatement(name, body, 'coordinator', (bytes) => signBytes(this.identity, bytes));
  }
}
