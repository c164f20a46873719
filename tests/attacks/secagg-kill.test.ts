/**
 * Claims: a hospital whose process dies by SIGKILL between the record of a word and its sending, and is started again on the
 * same folder at once, has dropped out of the attempt: it says that word never, and no word twice; the sum of the others is
 * exact, and it follows the run to the head that all have. 30 is the number of the threat model.
 * Oracle: every request of both lives, recorded on their way and taken apart by a parser of RFC 6455 written for it; FedAvg
 * in float64 over those who must be in the sum.
 */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Child } from '../faults/child.js';
import { RecordingProxy } from '../support/recording-proxy.js';
import { SecureSiege } from '../support/secure-siege.js';
import { messagesOf, parseStream } from '../support/websocket-capture.js';

const ALL = ['a', 'b', 'c', 'd'];
const SCRIPT = join(import.meta.dirname, '..', 'dist', 'support', 'killed-hospital.js');
let siege: SecureSiege;
let proxy: RecordingProxy | undefined;
const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill();
    await child.ended;
  }
  await siege.lift();
  await proxy?.close();
});

const WORDS = ['advert', 'shares', 'update.commit', 'agree', 'unmask'] as const;
const STAGES = [
  ['adverted', 'advert', false],
  ['dealt', 'shares', false],
  ['masked', 'update.commit', false],
  ['agreed', 'agree', true],
  ['unmasked', 'unmask', true],
] as const;

/** Names of the requests of each life that are words of a secure round, up to the first aggregate that it heard. */
function wordsOf({ connections }: RecordingProxy): string[] {
  return connections.flatMap(({ up }) => {
    const bytes = Buffer.concat(up);
    return bytes.length === 0
      ? []
      : messagesOf(whole(bytes)).flatMap(({ payload }) => {
          const name = /^\d+-?.*?\["([\w.]+)"/.exec(payload.toString('latin1'))?.[1];
          return name !== undefined && (WORDS as readonly string[]).includes(name) ? [name] : [];
        });
  });
}

/** A process that was killed may have ended within a frame. */
function whole(bytes: Buffer): ReturnType<typeof parseStream>['frames'] {
  for (let length = bytes.length; length > 0; length--) {
    try {
      return parseStream(bytes.subarray(0, length)).frames;
    } catch {
      continue;
    }
  }
  return [];
}

it.each(STAGES)(
  '30. killed after the record of %s, before %s is sent',
  { timeout: 180_000 },
  async (said, word, isInSum) => {
    siege = await SecureSiege.lay(ALL, { absenceGraceSeconds: 0.05 });
    const here = (proxy = await RecordingProxy.open(siege.consortium.coordinator.url));
    const live = (how: string): Child => {
      const child = new Child(SCRIPT, [siege.consortium.homeOf('d'), here.url, how]);
      children.push(child);
      return child;
    };
    const first = live(said);
    for (const name of ['a', 'b', 'c']) await siege.start(name);
    expect((await first.ended).signal).toBe('SIGKILL');
    const before = wordsOf(here);
    expect(before).toEqual(WORDS.slice(0, WORDS.indexOf(word)));
    const second = live('never');
    await siege.expectExact([isInSum ? ALL : ['a', 'b', 'c']], ['a', 'b', 'c']);
    expect(await second.ended).toMatchObject({ status: 0, stderr: '' });
    // The evaluation at the end is another session, in which it may speak again, once; of the first one it says nothing more.
    const after = wordsOf(here).slice(before.length);
    expect(WORDS.slice(0, after.length)).toEqual(after);
  },
);
