/**
 * CPU seconds of one round of secure aggregation, all parties in one process: keys, signatures, shares, encryption, masks,
 * unmasking, and the check of the aggregate by hospitals; no sockets and no training. Hospitals take turns, so the memory is
 * that of the coordinator and of one hospital at work.
 */
import { canonicalBytes, fromBase64, fromHex, parseCanonicalJson, toBase64, toHex, type Json } from '@consilium/bytes';
import { addKeystreams, digestBlob, generateIdentity, secretBytes, signBytes, verifyStrict } from '@consilium/crypto';
import { tuneHeap } from '@consilium/hospital';
import * as secagg from '@consilium/secagg';
import { SeededRandom } from '@consilium/tensors';

export interface SecAggOptions {
  readonly hospitals: number;
  readonly parameters: number;
  /** Share of the hospitals that deal shares and then send no vector. */
  readonly drop: number;
}

const NOW_MS = 1_800_000_000_000;
const CLIP_NORM = 4;
const EXAMPLES = 1_000;
const policy = { minTolerated: 1, minCohort: 2, maxPlanAgeMs: 600_000, clockToleranceMs: 60_000 };

/** Adds up the CPU seconds of one side, and of the bytes that it sends. */
class Meter {
  cpuSeconds = 0;

  spend<T>(work: () => T): T {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    this.cpuSeconds += (user + system) / 1e6;
    return result;
  }
}

type Party = ReturnType<typeof generateIdentity>;

const sign = <Body extends object>(body: Body, identity: Party): secagg.Opened<Body> => {
  const bytes = canonicalBytes(body as unknown as Json);
  const envelope = { payload: toBase64(bytes), sig: toBase64(signBytes(identity, bytes)) };
  return { body, digest: digestBlob(bytes), envelope };
};

const open: secagg.OpenSigned = (_, envelope, identityKey) => {
  const { payload, sig } = envelope as { payload: string; sig: string };
  const bytes = fromBase64(payload);
  if (!verifyStrict(fromHex(identityKey), bytes, fromBase64(sig))) throw new Error('SIGNATURE_INVALID');
  return { body: parseCanonicalJson(bytes) as never, digest: digestBlob(bytes), envelope };
};

const jsonBytes = (value: unknown): number => JSON.stringify(value).length;

function planFor({ hospitals: n, parameters }: SecAggOptions, identities: readonly Party[]): secagg.SecAggPlan {
  const tolerated = Math.min(Math.floor((n - 1) / 3), n - 2);
  return {
    ...{ v: 1, runId: 'bench', round: 1, attempt: 1, from: 'coordinator', mode: 'secagg' },
    ...{ configDigest: '00'.repeat(32), model: '00'.repeat(32), minCohort: 2, tolerated },
    threshold: secagg.safeThreshold(n, tolerated),
    roster: identities.map(({ publicKey }, i) => ({
      ...{ hospitalId: `h${i + 1}`, x: i + 1, identityKey: toHex(publicKey) },
    })),
    ...{ weighting: 'examples', clipNorm: String(CLIP_NORM), weightCap: EXAMPLES, zMax: 2 ** 23 - 1, parameters },
    ...{ metrics: [{ name: 'loss', max: 1_000_000 }], issuedAtMs: NOW_MS, deadlineMs: NOW_MS + 600_000 },
  };
}

/** The floor: what one mask of that length costs alone, on this machine and now, milliseconds of CPU time. */
function maskMs(parameters: number): number {
  const [meter, target] = [new Meter(), new Uint32Array(parameters)];
  const terms = Array.from({ length: 64 }, () => ({ key: secretBytes(32), sign: 1 as const }));
  addKeystreams(target, terms); // the engine warms up
  meter.spend(() => {
    addKeystreams(target, terms);
  });
  return (1_000 * meter.cpuSeconds) / terms.length;
}

/** @returns Means over the hospitals that stay to the end; bytes are one hospital's. */
export function secureAggregation(options: SecAggOptions): object {
  const { hospitals: n, parameters, drop } = options;
  tuneHeap();
  const identities = Array.from({ length: n }, () => generateIdentity());
  const floorMs = maskMs(parameters);
  const [hospital, coordinator, director] = [new Meter(), new Meter(), generateIdentity()];
  let [bytesUp, bytesDown] = [0, 0];
  const plan = secagg.checkPlan(sign(planFor(options, identities), director));
  const members = identities.map((identity, i) => ({ identity, id: `h${i + 1}`, x: i + 1 }));
  const staying = members.slice(Math.round(n * drop));
  const stay = new Set(staying.map(({ id }) => id));

  /** What a hospital sends arrives verified at the coordinator, whose time that takes. */
  const receive = <Body extends object>(
    sent: secagg.Opened<Body>,
    identity: Party,
    beside = 0,
  ): secagg.Opened<Body> => {
    bytesUp += jsonBytes(sent.envelope) + beside;
    return coordinator.spend(() => {
      const key = toHex(identity.publicKey);
      return open('advert', sent.envelope, key) as unknown as secagg.Opened<Body>;
    });
  };

  const started = members.map((member) => {
    const { send, keep } = hospital.spend(() => {
      const step = secagg.advertise(secagg.startRecord('bench'), plan, member.id, policy, NOW_MS);
      return { send: sign(step.send, member.identity), keep: step.keep };
    });
    return { ...member, keep, advert: receive(send, member.identity) };
  });
  const roster = coordinator.spend(() =>
    secagg.closeRoster(
      plan,
      started.map(({ advert }) => advert),
    ),
  );
  const cohort = roster.keep;

  const dealings: ReturnType<typeof secagg.acceptShares>[] = [];
  const dealers = started.splice(0).map(({ keep, ...member }) => {
    bytesDown += jsonBytes(roster.send);
    const step = hospital.spend(() => {
      const { send, keep: next } = secagg.shareSecrets(keep.record, keep.session, roster.send, open);
      return { statement: sign(send.statement, member.identity), parcels: send.parcels, keep: next };
    });
    const statement = receive(step.statement, member.identity, jsonBytes(step.parcels));
    dealings.push(coordinator.spend(() => secagg.acceptShares(cohort, statement, step.parcels)));
    return { ...member, keep: step.keep };
  });
  const { send: deliveries, keep: dealt } = coordinator.spend(() => secagg.closeShares(cohort, dealings.splice(0)));

  const waiting = deliveries as Map<string, secagg.Deliver>;
  const random = new SeededRandom('secagg bench');
  const base = Float32Array.from({ length: parameters }, () => random.normal() / Math.sqrt(parameters));
  const expected = new Float64Array(parameters);
  const sum = new secagg.MaskedSum(dealt);
  const vectors: secagg.Forward[] = [];
  const masking = dealers
    .splice(0)
    .filter(({ id }) => stay.has(id))
    .map(({ keep, ...member }) => {
      const deliver = waiting.get(member.id) as secagg.Deliver;
      bytesDown += jsonBytes(deliver);
      waiting.delete(member.id); // what one process would not hold of another must not be walked by its collector
      const update = base.map((value, k) => (k % n < member.x ? value : -value));
      update.forEach((value, k) => (expected[k] = (expected[k] ?? 0) + value));
      const contribution = { update, examples: EXAMPLES, metrics: [500] };
      const step = hospital.spend(() => {
        const { send, keep: next } = secagg.maskUpdate(keep.record, keep.session, deliver, contribution, open);
        return { ...send, statement: sign(send.statement, member.identity), keep: next };
      });
      const statement = receive(step.statement, member.identity, step.vector.byteLength);
      vectors.push({ x: member.x, envelope: step.statement.envelope });
      coordinator.spend(() => {
        sum.add(statement.body, step.vector);
      });
      return { ...member, keep: step.keep };
    });
  const surviving = coordinator.spend(() => secagg.closeSurvivors(dealt, sum));

  const agreeing = masking.splice(0).map(({ keep, ...member }) => {
    bytesDown += jsonBytes(surviving.send);
    const step = hospital.spend(() => {
      const { send, keep: next } = secagg.agreeOnSurvivors(keep.record, keep.session, surviving.send);
      return { statement: sign(send, member.identity), keep: next };
    });
    return { ...member, keep: step.keep, agree: receive(step.statement, member.identity) };
  });
  const request = coordinator.spend(() =>
    secagg.closeAgreement(
      surviving.keep,
      agreeing.map(({ agree }) => agree),
    ),
  );

  const answering = agreeing.splice(0).map(({ keep, ...member }) => {
    bytesDown += jsonBytes(request);
    const step = hospital.spend(() => {
      const { send, keep: next } = secagg.unmask(keep.record, keep.session, request, open);
      return { statement: sign(send, member.identity), keep: next };
    });
    const reply = receive(step.statement, member.identity);
    return {
      ...member,
      keep: step.keep,
      unmask: coordinator.spend(() => secagg.acceptUnmask(surviving.keep, reply.body)),
    };
  });
  const { send: aggregate, keep: opened } = coordinator.spend(() =>
    secagg.openSum(
      surviving.keep,
      answering.map(({ unmask }) => unmask),
    ),
  );

  const evidence = { adverts: roster.send.adverts, vectors, agrees: request.agrees };
  for (const { keep } of answering) {
    bytesDown += jsonBytes(aggregate) + jsonBytes(evidence) + opened.sum.byteLength;
    hospital.spend(() => {
      secagg.requireSigned(keep.session, evidence.vectors, open);
      return secagg.verifyAggregate(keep.session, aggregate, opened.sum);
    });
  }
  const { mean, hospitals, weight } = opened.decoded;
  // The four checksum words hold for the sum, or it would not have opened; this is the independent half of the claim.
  const roundingBound = (CLIP_NORM * (1 + 1e-6)) / (2 ** 23 - 2);
  const exact =
    hospitals === staying.length &&
    weight === EXAMPLES * hospitals &&
    mean.every((value, k) => Math.abs(value - (expected[k] ?? NaN) / hospitals) < roundingBound);
  const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
  return {
    ...{ bench: 'secagg', hospitals: n, parameters, dropped: n - staying.length, threshold: plan.body.threshold },
    ...{ maskMs: rounded(floorMs, 3), coordinatorMasks: staying.length * (1 + n - staying.length) },
    figures: {
      hospitalCpuSeconds: rounded(hospital.cpuSeconds / staying.length, 4),
      coordinatorCpuSeconds: rounded(coordinator.cpuSeconds, 3),
      bytesUp: Math.round(bytesUp / staying.length),
      bytesDown: Math.round(bytesDown / staying.length),
      coordinatorPeakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      exact,
    },
  };
}
