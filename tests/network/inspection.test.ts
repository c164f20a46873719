/**
 * Claims: a box that inspects TLS, with an authority that the hospital trusts, (1) lets the run finish, exactly; (2) reads no update
 * in any spelling, though it reads who speaks; (3) cannot forge: a challenge or a statement that it alters is not heeded, and
 * nothing is trained or sent; (4) is kept out by a pin.
 * Oracle: FedAvg in float64; what the box recorded, taken apart by an independent reader of WebSocket frames.
 */
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeOutcome } from '@consilium/hospital';
import { expectedHead } from '../support/expected-head.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { Haystack } from '../support/leak-search.js';
import { RecordingProxy } from '../support/recording-proxy.js';
import { until } from '../support/until.js';
import { messagesOf, parseStream } from '../support/websocket-capture.js';
import { testAuthority, tlsTerminator } from '../faults/networks.js';
import { bytesOf, partOf, SPEC } from '../faults/stage.js';

let consortium: Consortium | undefined;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await consortium?.dismantle();
  consortium = undefined;
});

const ca = testAuthority();
const [partA, partB] = [partOf(1), partOf(2)];

/** An address at which TLS ends, and everything goes on in the clear to `target`. */
async function inspected(target: string): Promise<string> {
  const box = await tlsTerminator(target);
  closing.push(() => box.close());
  return `https://localhost:${box.port}`;
}

/** Changes a letter of each signed payload that comes down, after the first `spared`. */
async function forger(target: string, spared: number): Promise<string> {
  let seen = 0;
  const server = createServer((near) => {
    const far = connect(Number(new URL(target).port), '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      const mark = Buffer.from('"payload":"');
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
        const letter = at + mark.length + 40;
        if (++seen > spared && letter < bytes.length) bytes[letter] = bytes[letter] === 0x41 ? 0x42 : 0x41;
      }
      near.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a box that inspects TLS', () => {
  it('carries a run to its exact end, and reads no update', async () => {
    const here = (consortium = await convene(['a', 'b'], { rounds: 2, minHospitals: 2 }));
    const record = await RecordingProxy.open(here.coordinator.url);
    closing.push(() => record.close());
    const url = await inspected(record.url);
    const outcomes = await Promise.all([
      here.join('a', knownLearner(partA.examples, partA.update), { url, ca }),
      here.join('b', knownLearner(partB.examples, partB.update)),
    ]);
    const expected = bytesOf(
      expectedHead(SPEC, [
        [partA, partB],
        [partA, partB],
      ]),
    );
    for (const end of outcomes) expect(end.ended === 'finished' && bytesOf(end.model)).toBe(expected);
    const up = record.connections.flatMap(({ up: sent }) => messagesOf(parseStream(Buffer.concat(sent)).frames));
    const haystack = new Haystack(up.map(({ payload }) => payload));
    // It does read what is not secret: the search can find.
    expect(haystack.textsOf(['update.offer', '"hospitalId":"a"'])).toHaveLength(2);
    const spellings = [1, 2].flatMap((round) => {
      const update = partA.update(round);
      return [
        { name: `float32 ${round}`, bytes: Buffer.from(update.buffer, update.byteOffset, update.byteLength) },
        { name: `float64 ${round}`, bytes: Buffer.from(Float64Array.from(update).buffer) },
        { name: `JSON ${round}`, bytes: Buffer.from(JSON.stringify([...update])) },
      ];
    });
    expect(haystack.blocksOf(spellings)).toEqual([]);
    // The same search finds them where they are in the clear.
    expect(new Haystack(spellings.map(({ bytes }) => bytes)).blocksOf(spellings)).toHaveLength(6);
  });

  it('cannot alter the challenge: the hospital never takes it for its coordinator', async () => {
    const here = (consortium = await convene(['a'], { minHospitals: 1 }));
    const url = await inspected(await forger(here.coordinator.url, 0));
    const node = await here.node('a', knownLearner(1, partA.update), { url, ca });
    closing.push(() => {
      node.close();
    });
    let end: NodeOutcome | undefined;
    void node.run().then((outcome) => (end = outcome));
    const lost = () => here.nodeProgress.filter((step) => step.event === 'line' && step.state === 'disconnected');
    // It tries again, or gives up because of the signature: a letter of base64 may also make it no statement at all.
    await until(() => end !== undefined || lost().length >= 2);
    expect(here.nodeProgress.some((step) => step.event === 'line' && step.state === 'connected')).toBe(false);
    expect(here.progress.some(({ event }) => event === 'connected')).toBe(false);
  });

  it('cannot alter a statement: nothing is trained, and nothing is sent', async () => {
    const here = (consortium = await convene(['a'], { minHospitals: 1 }));
    let trained = 0;
    const learner = knownLearner(1, () => {
      trained += 1;
      return new Float32Array(15);
    });
    const node = await here.node('a', learner, { url: await inspected(await forger(here.coordinator.url, 1)), ca });
    closing.push(() => {
      node.close();
    });
    void node.run();
    await until(() => here.progress.some(({ event }) => event === 'connected'));
    await until(() => here.nodeProgress.some((step) => step.event === 'line' && step.state === 'connected'));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(trained).toBe(0);
    expect(here.progress.filter(({ event }) => event === 'consented' || event === 'update')).toEqual([]);
  });

  it('is kept out by a pin', async () => {
    const here = (consortium = await convene(['a'], { minHospitals: 1 }));
    const pins = [`sha256/${'A'.repeat(43)}=`];
    const node = await here.node('a', knownLearner(1, partA.update), {
      url: await inspected(here.coordinator.url),
      ca,
      pins,
    });
    closing.push(() => {
      node.close();
    });
    void node.run();
    await until(() => here.nodeProgress.some((step) => step.event === 'line' && step.why === 'PIN_MISMATCH'));
    expect(here.progress.some(({ event }) => event === 'connected')).toBe(false);
  });
});
