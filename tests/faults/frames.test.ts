/**
 * Claims: (1) ten thousand mutants of each thing that a hospital says, in the very moment in which it is due, get a stable
 * refusal or a harmless answer: never `INTERNAL`, never a cut line; in either mode, from a stranger and from an enrolled
 * hospital, altered before and after it signed them; so does every honest message that is played back out of its place;
 * (2) the coordinator's memory does not grow with them; (3) the run ends all the same: each head is the mean of those who were
 * counted, and under secure aggregation all who end with a head have one, or the run says why there is none.
 * An exception that nobody caught, in a callback or a promise, fails the run: vitest counts it.
 * Oracle: FedAvg written out; what the process still holds. A failure names the seed of the message. That mutants of a type
 * were opened, and not all turned away by a schema or a signature, is asserted, and their number printed.
 *
 * 400 of each by default, all with CONSILIUM_FAULTS=all. `tests/attacks/hostile-frames` holds what is malformed by itself.
 */
import { setTimeout } from 'node:timers/promises';
import { canonicalBytes, toHex, type Json } from '@consilium/bytes';
import { generateIdentity } from '@consilium/crypto';
import { openIdentity, pinnedCoordinator, type Learner } from '@consilium/hospital';
import { limits, parseUnverified, type RequestName } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, describe, expect, it } from 'vitest';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { liveBytes } from '../support/live-bytes.js';
import { mutated, mutatedWithin } from '../support/mutations.js';
import { forge, forgeUpdate, RawHospital, type RawAnswer, type RawCredentials } from '../support/raw-hospital.js';
import { honest, knownUpdate, Siege } from '../support/siege.js';
import { tappedNetwork } from '../support/tapped-network.js';
import { until } from '../support/until.js';
import { expectMean } from './counted-mean.js';
import { keyOf, SEALED, SECURE, type Kind } from './due.js';
import { bytesOf, partOf } from './stage.js';

const MESSAGES = process.env['CONSILIUM_FAULTS'] === 'all' ? 10_000 : 400;
/** Within the rate of one line, with room for what is left of the second before. */
const BATCH = 400;
const PAUSE_MS = (1_000 * BATCH) / limits.messagesPerSecond + 20;
/** Of what is kept, with what the test itself notes of every refusal. */
const GROWTH_BYTES = 30 * 1_048_576;
const HOSPITALS = ['a', 'b', 'c', 'd', 'mallory'];
const BROKEN = ['INTERNAL', 'CUT', 'STORE_UNAVAILABLE'];
/** Not even read, or not believed to be the hospital's. */
const UNOPENED = ['MESSAGE_INVALID', 'TYPE_MISMATCH', 'SIGNATURE_INVALID'];

let consortium: Consortium | undefined;
let siege: Siege | undefined;
afterEach(async () => {
  await consortium?.dismantle();
  await siege?.lift();
  consortium = siege = undefined;
});

type Ask = (name: RequestName, body: unknown) => Promise<RawAnswer>;

/** @returns How many were opened. */
async function storm(
  name: RequestName,
  seed: string,
  draw: (random: SeededRandom) => unknown,
  ask: Ask,
): Promise<number> {
  const random = new SeededRandom(seed);
  let opened = 0;
  for (let sent = 0; sent < MESSAGES / 2; sent += BATCH / 2) {
    const bodies = Array.from({ length: BATCH / 2 }, () => draw(random));
    const answers = await Promise.all(bodies.map((body) => ask(name, body)));
    const bad = answers.findIndex(({ code }) => BROKEN.includes(String(code)));
    const what = bad === -1 ? 'none' : `${seed}: ${String(answers[bad]?.code)} for ${JSON.stringify(bodies[bad])}`;
    expect(what).toBe('none');
    opened += answers.filter(({ code }) => !UNOPENED.includes(String(code))).length;
    await setTimeout(PAUSE_MS / 2);
  }
  return opened;
}

/** In the run of that mode all take part, and mallory sends mutants of one kind before it goes on as it should. */
async function play(mode: 'sealed' | 'secagg', name: RequestName, { before, sample }: Kind): Promise<void> {
  const here = (consortium = await convene(HOSPITALS, {
    ...{
      mode,
      rounds: 1,
      minHospitals: 3,
      absenceGraceSeconds: 0.05,
      gatherTimeoutSeconds: 300,
      roundTimeoutSeconds: 300,
    },
    ...(mode === 'secagg' && { clipNorm: 2, secagg: { weightCap: 200, stageTimeoutSeconds: 300 } }),
  }));
  const home = here.homeOf('mallory');
  const me: RawCredentials = { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
  let [hasBegun, isOver] = [false, false];
  const failures: unknown[] = [];
  const attack = async (said: object, ask: Ask): Promise<void> => {
    const good = sample(said, me);
    const beforeBytes = liveBytes();
    const seed = `frames/${mode}/${name}`;
    const stranger: Ask = async (...message) => {
      const line = await (lines ??= RawHospital.connect(here.coordinator.url));
      return line.ask(...message);
    };
    // A stranger's time is short: a new one for each batch.
    let lines: Promise<RawHospital> | undefined;
    const renewed = (random: SeededRandom): unknown => {
      if (random.integer(BATCH / 8) === 0) lines = undefined;
      return mutated(good as Json, random);
    };
    await storm(name, `${seed}/stranger`, renewed, stranger);
    const within = (random: SeededRandom): unknown =>
      random.integer(3) === 0 ? mutated(good as Json, random) : mutatedWithin(good, random, me.identity);
    const opened = await storm(name, `${seed}/mallory`, within, ask);
    process.stdout.write(`${mode} ${name}: ${opened} of ${MESSAGES / 2} mutants were opened\n`);
    expect(opened).toBeGreaterThan(0);
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
  };
  const network = tappedNetwork({
    asks: async (asked, said, ask) => {
      if (asked !== before || hasBegun) return;
      hasBegun = true;
      await attack(said, ask).catch((error: unknown) => failures.push(error));
      isOver = true;
    },
  });
  const ended = HOSPITALS.map(async (hospital, k) => {
    const { examples, update } = partOf(k);
    const isHostile = hospital === 'mallory';
    const known = knownLearner(examples, update);
    const evaluate: Learner['evaluate'] = async (...head) => {
      // Of mallory one may be believed: the run does not end under the others.
      if (before === 'evaluation' && !isHostile) await until(() => isOver);
      return known.evaluate(...head);
    };
    const node = await here.node(
      hospital,
      { ...known, evaluate },
      {
        modes: [mode],
        ...(isHostile && { network }),
      },
    );
    const outcome = node.run();
    // What becomes of mallory is its own affair.
    return isHostile ? outcome.catch(() => undefined) : outcome;
  });
  const end = await here.conductor.ended;
  expect(hasBegun).toBe(true);
  await until(() => isOver);
  expect(failures).toEqual([]);
  const outcomes = await Promise.all(ended.slice(0, -1));
  const heads = new Set(outcomes.map((outcome) => (outcome?.ended === 'finished' ? bytesOf(outcome.model) : 'none')));
  expect(heads.size).toBe(1);
  if (mode === 'secagg' && end.outcome === 'aborted') {
    expect(['SUM_REFUSED', 'SHARES_DISPUTED', 'TOO_FEW_HOSPITALS']).toContain(end.reason);
    return;
  }
  expect(end).toMatchObject({ outcome: 'finished', rounds: 1 });
  expectMean(here, HOSPITALS, outcomes[0]);
}

describe('mutants in the middle of a sealed run', () => {
  it.each(Object.entries(SEALED) as [RequestName, Kind][])(
    `%s, ${MESSAGES} times`,
    { timeout: 180_000 },
    (name, kind) => play('sealed', name, kind),
  );
});

describe('mutants in the middle of a secure run', () => {
  it.each(Object.entries(SECURE) as [RequestName, Kind][])(
    `%s, ${MESSAGES} times`,
    { timeout: 180_000 },
    (name, kind) => play('secagg', name, kind),
  );
});

/** Mallory signs whatever it says; each proof is over a challenge of its own. */
describe('mutants at the door', () => {
  const join = (asked: Record<string, Json>, me: RawCredentials): object => {
    const { hospitalId, clientNonce, serverNonce } = asked;
    const other = generateIdentity();
    const keys = { identityKey: keyOf(me), witnessKey: toHex(other.publicKey) };
    const [statement, witness] = [
      {
        v: 1,
        hospitalId,
        role: 'hospital',
        tokenHash: '55'.repeat(32),
        ...keys,
        clientNonce,
        serverNonce,
        coordinatorKey: toHex(me.coordinatorKey),
        address: 'http://127.0.0.1:7433',
      },
      { v: 1, hospitalId, ...keys, serverNonce },
    ];
    return {
      token: '00'.repeat(32),
      statement: forge('join', canonicalBytes(statement as Json), 'mallory', me.identity),
      witness: forge('witness-proof', canonicalBytes(witness as Json), 'mallory', other),
    };
  };
  it.each(['hello', 'prove', 'join'] as const)(`%s, ${MESSAGES} times`, { timeout: 180_000 }, async (name) => {
    const here = (siege = await Siege.lay({ roundTimeoutSeconds: 600 }));
    await here.mallory();
    const me = await here.credentials('mallory');
    const beforeBytes = liveBytes();
    const random = new SeededRandom(`frames/door/${name}`);
    let [line, opened] = [await RawHospital.connect(here.url), 0];
    for (let sent = 0; sent < MESSAGES; sent++) {
      if (sent % 100 === 99) {
        line.leave();
        line = await RawHospital.connect(here.url);
      }
      const hello = { versions: { min: 1, max: 1 }, hospitalId: 'mallory', nonce: line.nonce };
      const { challenge, answer } = await line.answerTo(me);
      const { body } = parseUnverified('challenge', challenge);
      const good = name === 'hello' ? hello : name === 'prove' ? { answer } : join(body, me);
      const mutant = random.integer(3) === 0 ? mutated(good as Json, random) : mutatedWithin(good, random, me.identity);
      const { ok, code } = await line.ask(name, mutant);
      expect(BROKEN.includes(String(code)) ? `${sent}: ${String(code)} for ${JSON.stringify(mutant)}` : 'none').toBe(
        'none',
      );
      if (!UNOPENED.includes(String(code))) opened += 1;
      // The alteration was none, or of what nobody signed: this line is mallory's now.
      if (!ok || name === 'hello') continue;
      line.leave();
      line = await RawHospital.connect(here.url);
    }
    line.leave();
    process.stdout.write(`at the door, ${name}: ${opened} of ${MESSAGES} mutants were opened\n`);
    if (name !== 'prove') expect(opened).toBeGreaterThan(0);
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
    await here.expectUnharmed();
  });
});

/** Everything that an honest mallory says in a round, in order. */
async function honestMessages(here: Siege, mallory: RawHospital): Promise<[RequestName, unknown][]> {
  const me = await here.credentials('mallory');
  const plan = await mallory.plan(1);
  const { statement, digest, blob } = forgeUpdate(me, plan, knownUpdate('mallory', 1));
  const { answer } = await (await RawHospital.connect(here.url)).answerTo(me);
  return [
    ['hello', { versions: { min: 1, max: 1 }, hospitalId: 'mallory', nonce: 'c0'.repeat(32) }],
    ['prove', { answer }],
    ['sync', {}],
    ['update.offer', { statement }],
    ['update.chunk', { runId: 'test-run', digest, offset: 0, bytes: Buffer.from(blob) }],
    ['update.commit', { runId: 'test-run', digest }],
  ];
}

describe('played back', () => {
  it('in any order and number, an honest update counts once', { timeout: 120_000 }, async () => {
    const here = (siege = await Siege.lay({ roundTimeoutSeconds: 600 }));
    const mallory = await here.mallory();
    const messages = await honestMessages(here, mallory);
    const random = new SeededRandom('frames/played-back');
    const beforeBytes = liveBytes();
    const codes = new Set<string>();
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      const drawn = Array.from(
        { length: BATCH },
        () => messages[random.integer(messages.length)] ?? (['sync', {}] as const),
      );
      const answers = await Promise.all(drawn.map(([name, body]) => mallory.ask(name, body)));
      for (const { ok, code } of answers) codes.add(ok ? 'OK' : String(code));
      if (sent + BATCH < MESSAGES) await setTimeout(PAUSE_MS);
    }
    // Once more in order. Of an update that counts already, no byte is taken again.
    const [offered, , committed] = [
      await mallory.ask(...(messages[3] ?? ['sync', {}])),
      await mallory.ask(...(messages[4] ?? ['sync', {}])),
      await mallory.ask(...(messages[5] ?? ['sync', {}])),
    ];
    expect([offered, committed]).toMatchObject([{ ok: true }, { ok: true }]);
    expect([...codes].filter((code) => BROKEN.includes(code))).toEqual([]);
    expect(codes).toContain('OK');
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
    // The examples of a forged update are 10; once, not as often as it was said.
    await here.expectUnharmed([[...honest(1), { examples: 10, update: knownUpdate('mallory', 1) }]]);
  });
});
