/**
 * Claims, of a whole run of the mode secagg with three real hospitals, every byte of which is recorded; 22 is the number of
 * the threat model. Of no hospital do the recording, the coordinator's folder (event log, documents, blobs) and its log at its
 * most talkative hold: its update, as float32 or as the integers that were masked, whole or in pairs of coordinates; its number
 * of examples, as text or Int32; its loss or its held-out figures; the secret keys of its masks and of its parcels, or half of
 * one. What they do hold is the sum of the examples and the hospitals' self seeds, once it is opened.
 * Oracle: the planted values themselves, written out here a second time, and the keys, taken where hospitals make them, before
 * libs/secagg overwrites them; the search finds what is planted for it. Pairs of
 * neighbouring integers are 64 bits, of which rounding leaves two free: a false alarm has a probability below 1e-9.
 *
 * What hospitals reveal of their round keys when they unmask is in the recording by design: libs/secagg/SPEC.md, section 7.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Learner, Scores } from '@consilium/hospital';
import { Haystack, spellings, textForms } from '../support/leak-search.js';
import { floatPairs, ringPairs } from '../support/planted-update.js';
import { RecordingProxy } from '../support/recording-proxy.js';
import { halves } from '../support/round-secrets.js';
import { SecureSiege } from '../support/secure-siege.js';
import { parseStream } from '../support/websocket-capture.js';

const watching = await vi.hoisted(async () => new (await import('../support/round-secrets.js')).RoundSecrets());
vi.mock('../../libs/secagg/src/keys.js', async (original) => watching.watch(await original<never>()));

const NAMES = ['a', 'b', 'c'];
const [CLIP_NORM, WEIGHT_CAP, Z_MAX] = [2, 10_000_000, 2 ** 29];
const PARAMETERS = 15;

/** No two digits of one hospital are those of another, and none is a date. */
const planted = (name: string) => {
  const k = NAMES.indexOf(name);
  return {
    examples: 7_319_577 + 611_953 * k,
    loss: 1.23456789 + k / 7,
    heldOut: 313 + 17 * k,
    accuracy: 0.61803398 + k / 31,
    update: Float32Array.from({ length: PARAMETERS }, (_, i) => Math.fround(Math.cos(i * 3 + k * 11 + 1) / 9)),
  };
};

function learnerOf(name: string, base: Learner): Learner {
  const { examples, loss, update, heldOut, accuracy } = planted(name);
  const scores: Scores = { part: 'test', examples: heldOut, loss, accuracy, balancedAccuracy: accuracy, auc: null };
  return {
    ...base,
    train: () => Promise.resolve({ update: update.slice(), examples, loss }),
    evaluate: () => Promise.resolve(scores),
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  return bytes;
}

/** Everything that must not be found, by what it is. */
function needlesOf(name: string): Map<string, Buffer[]> {
  const { update, examples, loss, accuracy } = planted(name);
  const grid = { examples, weightCap: WEIGHT_CAP, clipNorm: CLIP_NORM, zMax: Z_MAX };
  const bytes = [...floatPairs(update), ...ringPairs(update, grid)];
  const never = watching.madeBy(name).flatMap(({ maskKey, encryptionKey }) => [maskKey, encryptionKey]);
  return new Map([
    ['secret key', never.flatMap((key) => halves(name, key).flatMap(({ bytes: half }) => spellings(half)))],
    ['update', bytes.flatMap((pair) => [pair, Buffer.from(pair.toString('hex'))])],
    ['examples', [...textForms(String(examples)), int32(examples)]],
    ['loss', textForms(String(loss).slice(0, 9))],
    ['accuracy', textForms(String(accuracy).slice(0, 9))],
  ]);
}

const found = (name: string, haystack: Buffer): string[] =>
  [...needlesOf(name)].flatMap(([what, spellings]) =>
    spellings.some((spelling) => haystack.includes(spelling)) ? [`${what} of ${name}`] : [],
  );

let siege: SecureSiege;
let haystack: Buffer;
const proxies: RecordingProxy[] = [];
beforeAll(async () => {
  siege = await SecureSiege.lay(NAMES, {
    rounds: 2,
    clipNorm: CLIP_NORM,
    secagg: { weightCap: WEIGHT_CAP, stageTimeoutSeconds: 60 },
  });
  expect(siege.consortium.conductor.config.body.secagg?.zMax).toBe(Z_MAX);
  for (const name of NAMES) {
    const proxy = await RecordingProxy.open(siege.consortium.coordinator.url);
    proxies.push(proxy);
    const learner = learnerOf(name, siege.learnerOf(name));
    await watching.of(name, () => siege.start(name, { url: proxy.url, learner }));
  }
  await siege.consortium.conductor.ended;
  const payloads = proxies.flatMap(({ connections }) =>
    connections.flatMap(({ up, down }) =>
      [up, down].flatMap((stream) => {
        const { head, frames } = parseStream(Buffer.concat(stream));
        return [head, ...frames.map(({ payload }) => payload)];
      }),
    ),
  );
  const files = (await siege.everything()).map((text) => Buffer.from(text, 'latin1'));
  const progress = Buffer.from(JSON.stringify(siege.consortium.progress));
  // Base64 hides from a search for bytes: statements are read as well.
  const inside = [...payloads, ...files].flatMap((bytes) =>
    (bytes.toString('latin1').match(/[A-Za-z0-9+/]{40,}={0,2}/g) ?? []).map((text) => Buffer.from(text, 'base64')),
  );
  haystack = Buffer.concat([...payloads, ...files, ...inside, progress, Buffer.from(siege.log.join(''))]);
});
afterAll(async () => {
  await siege.lift();
  for (const proxy of proxies) await proxy.close();
});

describe('22. one hospital’s figures and updates', () => {
  it('were in a run that finished, with all three hospitals in each sum', () => {
    expect(siege.summed).toEqual([NAMES, NAMES]);
    expect(haystack.length).toBeGreaterThan(20_000);
    expect(haystack.includes('survivorsDigest')).toBe(true);
    expect(haystack.includes('seedCommit')).toBe(true);
  });

  it.each(NAMES)('of %s are nowhere', (name) => {
    expect(found(name, haystack)).toEqual([]);
    const { update } = planted(name);
    const whole = { name, bytes: Buffer.from(update.buffer) };
    expect(new Haystack([haystack]).blocksOf([whole])).toEqual([]);
  });

  it('are found where they are planted', () => {
    for (const name of NAMES) {
      for (const [what, spellings] of needlesOf(name)) {
        for (const spelling of spellings) {
          expect(found(name, Buffer.concat([haystack.subarray(0, 4_096), spelling]))).toContain(`${what} of ${name}`);
        }
      }
    }
  });

  it('are known as sums: of the examples, after the opening', () => {
    const total = NAMES.reduce((sum, name) => sum + planted(name).examples, 0);
    expect(haystack.includes(String(total))).toBe(true);
  });

  it('are known by their self seeds, after the opening', () => {
    for (const name of NAMES) {
      const made = watching.madeBy(name);
      expect(made.length).toBeGreaterThanOrEqual(2); // one attempt for each round
      for (const { selfSeed } of made) expect(haystack.includes(selfSeed.toString('hex'))).toBe(true);
    }
  });
});
