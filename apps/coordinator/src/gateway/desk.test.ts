/**
 * Claims: the desk answers every request with an ack; nothing before the proof; a defect of ours shows no reason outside;
 * the newer of two connections is the hospital, and the end of the older says nothing; strangers cannot flood the progress;
 * who missed the end of a run is waited for, and not longer than told; no large answer is made for a line that takes nothing,
 * and such a line is cut before small ones pile up; however many runs have ended, an open one is told of.
 * Oracle: a conductor that records. What a whole coordinator does with hostile peers is in tests/attacks.
 */
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, signBytes, verifyStrict } from '@consilium/crypto';
import { limits, openStatement, requests, signStatement, type HospitalId, type RequestName } from '@consilium/protocol';
import type { Office } from '../run/office.js';
import type { Progress } from '../run/progress.js';
import { Desk } from './desk.js';
import type { Uploads } from './uploads.js';

const NORTH = 'north' as HospitalId;
const office = generateIdentity();
const north = generateIdentity();

let desk: Desk;
let progress: Progress[];
let events: unknown[];
let cut: string[];
let runs: unknown[];
/** Other runs of the hospital. */
let members: unknown[];
let isDefective: boolean;
let unsentBytes: number;
/** What was read out of the run for an answer. */
let read: string[];
beforeEach(() => {
  [progress, events, cut, runs, read, members] = [[], [], [], [], [], []];
  unsentBytes = 0;
  isDefective = true;
  const conductor = {
    ...{ runId: 'run-1', state: { phase: 'ended' } },
    secure: {
      deliveriesFor: () => {
        read.push('deliveries');
        return [];
      },
      past: () => {
        read.push('round');
        return Promise.resolve({ plan: {}, aggregate: {} });
      },
    },
    accept: (event: unknown) => Promise.resolve(events.push(event)),
    current: (): unknown[] => {
      read.push('statements');
      if (isDefective) throw new TypeError('the secret reason');
      return [];
    },
  };
  desk = new Desk({
    identity: office,
    keyOf: (hospital) => Promise.resolve(hospital === NORTH ? toHex(north.publicKey) : undefined),
    // Only what the desk calls in these tests.
    office: { of: () => [...members, conductor], runs } as unknown as Office,
    uploads: {} as Uploads,
    log: pino({ enabled: false }),
    progress: (step) => progress.push(step),
  });
});

const arrive = (id: string): void => {
  desk.arrive({ id, cut: () => cut.push(id), unsentBytes: () => unsentBytes });
};

/** The honest handshake. */
async function enter(id: string): Promise<void> {
  arrive(id);
  const hello = { versions: { min: 1, max: 1 }, hospitalId: NORTH, nonce: '0a'.repeat(32) };
  const greeted = await desk.answer('hello', id, hello);
  if (!greeted.ok) throw new Error(greeted.code);
  const { body } = openStatement('challenge', greeted.challenge, (bytes, signature) =>
    verifyStrict(office.publicKey, bytes, signature),
  );
  const proof = { ...body, coordinatorKey: toHex(office.publicKey) };
  const { envelope } = signStatement('challenge-answer', proof, NORTH, (bytes) => signBytes(north, bytes));
  expect(await desk.answer('prove', id, { answer: envelope })).toEqual({ ok: true, protocol: 1 });
}

describe('Desk', () => {
  it('refuses malformed requests and lines that it does not know, in the ack', async () => {
    arrive('1');
    for (const name of Object.keys(requests) as RequestName[]) {
      expect(await desk.answer(name, '1', { surplus: 1 }), name).toMatchObject({ ok: false, code: 'MESSAGE_INVALID' });
      expect(await desk.answer(name, 'nobody', {}), name).toMatchObject({ ok: false, code: 'NOT_AUTHENTICATED' });
    }
  });

  it('tells only the first refusal of a stranger', async () => {
    arrive('1');
    for (let k = 0; k < 5; k++) await desk.answer('sync', '1', {});
    expect(progress).toEqual([{ event: 'refused', hospital: undefined, request: 'sync', code: 'NOT_AUTHENTICATED' }]);
  });

  it('lets in who proves it, and says nothing of its own defects', async () => {
    await enter('1');
    expect(desk.hospitalOf('1')).toBe(NORTH);
    expect(progress).toEqual([{ event: 'connected', hospital: NORTH }]);
    const answer = await desk.answer('sync', '1', {});
    expect(answer).toMatchObject({ ok: false, code: 'INTERNAL' });
    expect(JSON.stringify(answer)).not.toContain('secret reason');
  });

  it('cuts the older connection of a hospital, and only the end of the newer is its absence', async () => {
    await enter('1');
    await enter('2');
    expect(cut).toEqual(['1']);
    desk.leave('1');
    expect(events).toEqual([]);
    desk.leave('2');
    expect(events).toEqual([{ type: 'disconnected', hospitalId: NORTH }]);
    await desk.empty(0);
  });

  it('is empty when those who missed the end have come and gone, or will not come', async () => {
    const awaited = { phase: 'ended', consented: new Set([NORTH]), absent: new Set() };
    runs.push({ state: awaited });
    let isEmpty = false;
    const empty = desk.empty(60_000, 60_000).then(() => (isEmpty = true));
    await setTimeout(100);
    expect(isEmpty).toBe(false);
    await enter('1');
    desk.leave('1', true);
    await empty;

    // A line that was lost says nothing of who knows what.
    await enter('2');
    desk.leave('2');

    const startMs = performance.now();
    await desk.empty(60_000, 50);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(50);
    runs.splice(0, 1, { state: { ...awaited, absent: new Set([NORTH]) } });
    await desk.empty(60_000, 60_000);
  });

  it('tells of an open run, however many have ended', async () => {
    await enter('1');
    isDefective = false;
    const run = (phase: string, name: string) => ({
      state: { phase },
      accept: () => Promise.resolve(true),
      current: () => ['config', 'aggregate', 'run-end'].map((what) => `${name} ${what}`),
    });
    members = [run('gathering', 'old'), ...Array.from({ length: 100 }, (_, k) => run('ended', `ended-${k}`))];
    const answer = await desk.answer('sync', '1', {});
    if (!answer.ok) throw new Error(answer.code);
    expect(answer.statements).toHaveLength(limits.syncStatements);
    expect(answer.statements.slice(-3)).toEqual(['old config', 'old aggregate', 'old run-end']);
  });

  it('makes no large answer for a line that has not taken the one before', async () => {
    await enter('1');
    unsentBytes = 4_000_000;
    const answers = [
      desk.answer('sync', '1', {}),
      desk.answer('deliveries.read', '1', { runId: 'run-1', planDigest: 'aa'.repeat(32) }),
      desk.answer('round.read', '1', { runId: 'run-1', round: 1 }),
    ];
    await setTimeout(50);
    expect(read).toEqual([]);
    unsentBytes = 0;
    await Promise.all(answers);
    expect(read.sort()).toEqual(['deliveries', 'round', 'statements']);
    expect(cut).toEqual([]);
  });

  it('cuts a line that asks on and on and takes no answer', async () => {
    await enter('1');
    unsentBytes = 9_000_000;
    expect(await desk.answer('membership', '1', {})).toMatchObject({ ok: false, code: 'RATE_LIMITED' });
    await nextTurn();
    expect(cut).toEqual(['1']);
  });

  it('cuts a line that asks too much', async () => {
    arrive('1');
    // Time stands still: on a busy machine the limit would refill between one answer and the next.
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const many = Array.from({ length: limits.messagesPerSecond + 500 }, () => desk.answer('sync', '1', {}));
    expect((await Promise.all(many)).at(-1)).toMatchObject({ code: 'RATE_LIMITED' });
    vi.restoreAllMocks();
    // When the answer is out.
    expect(cut).toEqual([]);
    await nextTurn();
    expect(cut).toEqual(['1']);
  });
});
