/** One valid statement of each kind, and one valid request of each name: what the tests of this library alter and refuse. */
import type { Envelope } from './envelope.js';
import type { Request, RequestName } from './events.js';
import type { Digest, HospitalId, RunId } from './ids.js';
import { payloadType, type Statement, type StatementName } from './statements.js';

const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const north = 'north' as HospitalId;
const runId = 'run-7' as RunId;
const reply = { v: 1, runId, round: 3, attempt: 1, from: north, planDigest: digest('d') } as const;
const session = { ...reply, sessionId: digest('5') } as const;
const office = { v: 1, runId, round: 3, attempt: 1, from: 'coordinator', planDigest: digest('d') } as const;
const ofSession = { ...office, sessionId: digest('5') } as const;
const nonces = { protocol: 1, hospitalId: north, clientNonce: digest('1'), serverNonce: digest('2') } as const;

const envelope = (name: StatementName): Envelope => ({
  payloadType: payloadType(name),
  payload: 'e30=',
  signatures: [{ keyid: 'north', sig: `${'A'.repeat(86)}==` }],
});
const at = '2026-03-01T08:00:00.000Z';
const compared = { rosterDigest: digest('4'), comparedBy: 'Dr. Ana Müller', how: 'phone', at } as const;

export const sampleStatements: { readonly [N in StatementName]: Statement<N> } = {
  'coordinator-card': { v: 1, name: 'Consortium office', identityKey: digest('a') },
  enrolment: { v: 1, hospitalId: north, identityKey: digest('b') },
  invitation: {
    v: 1,
    invitationId: '0123456789abcdef',
    identityKey: digest('a'),
    card: envelope('coordinator-card'),
    address: 'https://consortium.example',
    tlsPin: `sha256/${'A'.repeat(43)}=`,
    hospitalId: north,
    displayName: 'St. Anna',
    role: 'hospital',
    expiresAt: at,
    token: digest('3'),
  },
  join: {
    v: 1,
    hospitalId: north,
    role: 'hospital',
    tokenHash: digest('5'),
    ...{ identityKey: digest('b'), witnessKey: digest('6'), coordinatorKey: digest('a') },
    address: 'https://consortium.example',
    ...{ clientNonce: digest('1'), serverNonce: digest('2') },
  },
  'witness-proof': {
    v: 1,
    hospitalId: north,
    ...{ identityKey: digest('b'), witnessKey: digest('6'), serverNonce: digest('2') },
  },
  approval: { v: 1, from: 'coordinator', hospitalId: north, identityKey: digest('b'), ...compared },
  verification: { v: 1, from: north, ...compared },
  rotation: {
    v: 1,
    hospitalId: north,
    ...{ coordinatorKey: digest('a'), oldKey: digest('b'), newKey: digest('c') },
    at,
  },
  revocation: { v: 1, hospitalId: north, identityKey: digest('b'), coordinatorKey: digest('a'), at },
  'membership-status': {
    v: 1,
    from: 'coordinator',
    hospitalId: north,
    identityKey: digest('b'),
    state: 'provisional',
    roster: [{ hospitalId: north, identityKey: digest('b'), state: 'provisional' }],
    approval: envelope('coordinator-card'),
    verifiedRoster: digest('4'),
    refusals: [{ at, code: 'INVITATION_USED' }],
    at,
  },
  challenge: { v: 1, ...nonces },
  'challenge-answer': { v: 1, ...nonces, coordinatorKey: digest('a') },
  'run-config': {
    v: 1,
    runId,
    mode: 'sealed',
    study: { name: 'Pneumonie à l’hôpital', labels: ['normal', 'pneumonia', 'covid'] },
    head: { kind: 'mlp', inputs: 2_048, hidden: 256, classes: 3 },
    parameters: 525_315,
    seed: 'consilium',
    initialModel: digest('e'),
    backbone: digest('f'),
    preprocessing: 'v1',
    training: {
      ...{ epochs: 2, batchSize: 32, learningRate: '0.001', l2: '0.1', proximalMu: '0.01' },
      ...{ schedule: { kind: 'cosine', minFactor: '0.1' }, classWeights: 'balanced', earlyStopPatienceEpochs: 3 },
    },
    weighting: 'examples',
    clipNorm: '100',
    server: { optimizer: 'fedavg', learningRate: '1' },
    rounds: 5,
    minHospitals: 2,
    gatherTimeoutMs: 3_600_000,
    roundTimeoutMs: 3_600_000,
    absenceGraceMs: 30_000,
    stragglers: { quorum: 2, afterMs: 600_000 },
    selection: { metric: 'balancedAccuracy', patienceRounds: 0 },
    roster: [
      { hospitalId: north, identityKey: digest('b') },
      { hospitalId: 'south' as HospitalId, identityKey: digest('c') },
    ],
  },
  consent: { v: 1, runId, from: north, configDigest: digest('0') },
  refusal: { v: 1, runId, from: north, configDigest: digest('0'), rule: 'STUDY_NOT_ALLOWED' },
  plan: {
    v: 1,
    runId,
    round: 3,
    attempt: 1,
    from: 'coordinator',
    configDigest: digest('0'),
    model: digest('e'),
    roundKey: digest('9'),
    cohort: [north, 'south' as HospitalId],
  },
  update: { ...reply, blobDigest: digest('7'), blobBytes: 2_101_396, examples: 812, loss: '0.693147' },
  decline: { ...reply, reason: 'POLICY', rule: 'OUTSIDE_HOURS' },
  aggregate: {
    v: 1,
    runId,
    round: 3,
    attempt: 1,
    from: 'coordinator',
    planDigest: digest('d'),
    model: digest('8'),
    updates: [{ hospitalId: north, blobDigest: digest('7') }],
    totalExamples: 812,
  },
  evaluation: {
    ...reply,
    model: digest('8'),
    scores: { part: 'test', examples: 100, loss: '0.5', accuracy: '0.8', balancedAccuracy: '0.75', auc: null },
  },
  'run-end': {
    v: 1,
    runId,
    from: 'coordinator',
    configDigest: digest('0'),
    outcome: 'finished',
    reason: 'ALL_ROUNDS_DONE',
    rounds: 5,
    best: { round: 3, model: digest('9') },
  },
  'secagg-plan': {
    ...{ v: 1, runId, round: 3, attempt: 1, from: 'coordinator', mode: 'secagg', purpose: 'train' },
    ...{ configDigest: digest('0'), model: digest('e') },
    roster: [{ hospitalId: north, identityKey: digest('b'), x: 1 }],
    ...{ tolerated: 1, threshold: 3, minCohort: 3, weighting: 'examples', clipNorm: '100', weightCap: 1_000 },
    ...{ zMax: 8_388_607, parameters: 525_315, metrics: [{ name: 'train-loss', max: 1_000 }] },
    ...{ issuedAtMs: 1_800_000_000_000, deadlineMs: 1_800_000_300_000 },
  },
  advert: {
    ...reply,
    maskKey: digest('1'),
    encryptionKey: digest('2'),
    seedCommit: digest('3'),
    nonce: 'ab'.repeat(16),
  },
  roster: { ...office, adverts: [{ x: 1, envelope: envelope('advert') }] },
  shares: { ...session, shareRoot: digest('4') },
  deliver: { ...ofSession, dealers: [1, 2, 3] },
  complaint: { ...session, accused: 'south' as HospitalId },
  masked: { ...session, u2Digest: digest('6'), words: 27, yRoot: digest('7'), blobDigest: digest('7'), blobBytes: 108 },
  survivors: { ...ofSession, survivors: [{ x: 1, yRoot: digest('7') }] },
  agree: { ...session, survivorsDigest: digest('8') },
  'unmask-request': { ...ofSession, agrees: [{ x: 1, envelope: envelope('agree') }] },
  unmask: { ...session, selfSeeds: [{ x: 1, share: digest('9') }], maskKeys: [] },
  'secagg-aggregate': {
    ...ofSession,
    ...{ survivors: [1], sumDigest: digest('a'), recovered: [{ x: 1, type: 'self-seed', digest: digest('b') }] },
    ...{
      evidenceDigest: digest('e'),
      evidenceBytes: 999,
      revealedDigest: digest('c'),
      revealedBytes: 99,
      leavesDigest: digest('d'),
      leavesBytes: 32,
      model: digest('8'),
    },
  },
};

export const statementNames = Object.keys(sampleStatements) as StatementName[];

export const sampleRequests: { readonly [N in RequestName]: Request<N> } = {
  hello: { versions: { min: 1, max: 1 }, hospitalId: north, nonce: digest('1') },
  prove: { answer: envelope('challenge-answer') },
  join: { token: digest('3'), statement: envelope('join'), witness: envelope('witness-proof') },
  membership: {},
  verify: { statement: envelope('verification') },
  rotate: { old: envelope('rotation'), new: envelope('rotation') },
  revoke: { statement: envelope('revocation') },
  sync: {},
  about: { version: '0.1.0', engine: 'onnxruntime-cpu', clockMs: 1_767_225_600_000 },
  consent: { statement: envelope('consent') },
  refuse: { statement: envelope('refusal') },
  'blob.read': { runId, digest: digest('8'), offset: 0, length: 262_144 },
  'update.offer': { statement: envelope('update') },
  'update.chunk': { runId, digest: digest('7'), offset: 0, bytes: Uint8Array.of(1, 2, 3) },
  'update.commit': { runId, digest: digest('7') },
  decline: { statement: envelope('decline') },
  evaluation: { statement: envelope('evaluation') },
  advert: { statement: envelope('advert') },
  shares: {
    statement: envelope('shares'),
    parcels: [{ x: 1, sealed: 'AAAA', selfSeedDigest: digest('1'), maskKeyDigest: digest('2') }],
  },
  complaint: { statement: envelope('complaint') },
  agree: { statement: envelope('agree') },
  unmask: { statement: envelope('unmask') },
  'deliveries.read': { runId, planDigest: digest('d') },
  'round.read': { runId, round: 3 },
};

export const requestNames = Object.keys(sampleRequests) as RequestName[];
