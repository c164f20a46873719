/**
 * Claims: in every stage of a secure round, while it is paused, and at its end, the page is right at once: after a reload it
 * shows what the coordinator says and nothing else; while the coordinator is away it says so, as of when, shows nothing as
 * live and lets no clock run on; when it is back the page follows without a reload. Oracle: the phase that the test holds the
 * real hospital nodes in, and the API, asked by a program with its own token.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openCoordinator, openHome, type RunningCoordinator } from '@consilium/coordinator';
import { FolderMemory, type RunMemory } from '@consilium/hospital';
import type { RunDetail } from '@consilium/operator-api';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { afterRecord, PARAMETERS } from '../support/secure-part.js';
import { chromiumPath, everything, openChromium } from './chromium.js';
import { PATIENCE_MS, Person } from './person.js';

type Word = 'adverted' | 'dealt' | 'masked' | 'agreed' | 'unmasked';

/** Two of three: what needs two answers waits as well. */
const HELD = ['b', 'c'];
const LABEL_OF: Readonly<Record<string, string>> = {
  ...{ expected: 'Expected', working: 'Working', done: 'Done', late: 'Late', declined: 'Declined' },
  ...{ refused: 'Refused', dropped: 'Dropped out', outside: 'Not in this round' },
};
const NAME_OF: Readonly<Record<string, string>> = {
  ...{ invite: 'Invite', train: 'Train', mask: 'Mask', agree: 'Agree', open: 'Open', evaluate: 'Evaluate' },
};

/** Hospitals stand between the record of a word and its sending until they are let go. */
class Gate {
  readonly #waiting: { readonly word: Word; readonly go: () => void }[] = [];
  #isOpen = false;

  async pass(word: Word): Promise<void> {
    if (this.#isOpen) return;
    await new Promise<void>((go) => this.#waiting.push({ word, go }));
  }

  /** Resolves when all of {@link HELD} stand before this word. */
  async holds(word: Word): Promise<void> {
    await expect
      .poll(() => this.#waiting.filter((one) => one.word === word).length, { timeout: PATIENCE_MS })
      .toBe(HELD.length);
  }

  letGo(): void {
    for (const { go } of this.#waiting.splice(0)) go();
  }

  open(): void {
    this.#isOpen = true;
    this.letGo();
  }
}

describe.skipIf(!everything || chromiumPath() === undefined)('the page', { timeout: 3 * PATIENCE_MS }, () => {
  const gate = new Gate();
  let browser: Browser;
  let consortium: Consortium;
  let coordinator: RunningCoordinator;
  let person: Person;
  let token: string;
  let port: number;

  beforeAll(async () => {
    consortium = await convene(['a', ...HELD], {
      ...{ mode: 'secagg', rounds: 2, minHospitals: 3, clipNorm: 2, absenceGraceSeconds: 3_000 },
      ...{ gatherTimeoutSeconds: 3_000, roundTimeoutSeconds: 3_000 },
      secagg: { weightCap: 200, stageTimeoutSeconds: 3_000 },
    });
    coordinator = consortium.coordinator;
    port = Number(new URL(coordinator.url).port);
    token = await homeToken(join(consortium.directory, 'coordinator'));
    browser = await openChromium();
    person = await Person.arrive(browser, `${coordinator.url}/`);
    await person.choosePassword((await coordinator.setUpUrl()) ?? '', 'maria.keller');
    await person.page.getByRole('heading', { name: 'Now' }).waitFor();
  }, 240_000);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await person.picture(`stages-${task.name}`);
  });
  afterAll(async () => {
    gate.open();
    await browser.close();
    await coordinator.close();
    await consortium.dismantle().catch(() => undefined);
  });

  const start = async (hospital: string): Promise<void> => {
    const memory = new FolderMemory(consortium.homeOf(hospital));
    const held = (['adverted', 'dealt', 'masked', 'agreed', 'unmasked'] as const).reduce<RunMemory>(
      (inner, word) => afterRecord(inner, word, () => gate.pass(word)),
      memory,
    );
    const update = new Float32Array(PARAMETERS).fill(0.01);
    const node = await consortium.node(
      hospital,
      knownLearner(20, () => update),
      {
        ...{ modes: ['secagg'], memory: HELD.includes(hospital) ? held : memory },
      },
    );
    void node.run().catch(() => undefined);
  };
  const detail = async (): Promise<RunDetail> => {
    const response = await fetch(`${coordinator.url}/api/v1/runs/test-run`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return (await response.json()) as RunDetail;
  };

  /** The stage, the round, each hospital's place and what it waits for, as the page shows them. */
  const shown = async (): Promise<unknown> => {
    const { page } = person;
    const places = page.getByRole('table', { name: 'Hospitals and their place in the round' });
    const rows = await places.locator('tbody tr').all();
    const cells = await Promise.all(rows.map((row) => row.locator('td').allTextContents()));
    return {
      stage: await page.locator('li[aria-current=step] > span').nth(1).textContent(),
      round: /Round \d+ of \d+/.exec((await page.locator('main').textContent()) ?? '')?.[0],
      paused: (await person.text('Paused').count()) > 0,
      places: Object.fromEntries(cells.map(([name = '', place]) => [name.replace('not connected', ''), place])),
    };
  };
  const said = async (): Promise<unknown> => {
    const { timeline, rounds, status } = await detail();
    return {
      stage: NAME_OF[String(timeline.stage)],
      round: `Round ${timeline.round} of ${rounds}`,
      paused: status === 'paused',
      places: Object.fromEntries(timeline.places.map(({ hospital, place }) => [hospital, LABEL_OF[place]])),
    };
  };
  const isRight = async (): Promise<void> => {
    await person.text('Live').waitFor();
    await expect.poll(async () => isDeepStrictEqual(await shown(), await said()), { timeout: PATIENCE_MS }).toBe(true);
  };

  /** @param phase - of the machine, which stays in it until the test lets go. */
  async function rightIn(phase: string, stage: string): Promise<void> {
    await expect.poll(async () => (await detail()).phase, { timeout: PATIENCE_MS }).toBe(phase);
    expect((await detail()).timeline.stage).toBe(stage);
    await isRight();
    await person.page.reload();
    await person.page.locator('li[aria-current=step]').waitFor();
    // The first thing that is there is right: nothing of an earlier state comes before it.
    expect(((await shown()) as { stage: string }).stage).toBe(NAME_OF[stage]);
    await isRight();
    await coordinator.close();
    await person.page.getByText(/does not answer. What you see is as of \d\d:\d\d:\d\d/).waitFor();
    expect(await person.text('Live').count()).toBe(0);
    const clock = person.page.locator('li[aria-current=step] b');
    const stood = await clock.allTextContents();
    await person.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 2_200)));
    expect(await clock.allTextContents()).toEqual(stood);
    coordinator = await openCoordinator({
      ...{ home: await openHome(join(consortium.directory, 'coordinator')), host: '127.0.0.1', port },
      ...{ log: pino({ enabled: false }), progress: () => undefined },
    });
    await person.page.getByText(/does not answer/).waitFor({ state: 'detached' });
    await expect.poll(async () => (await detail()).phase, { timeout: PATIENCE_MS }).toBe(phase);
    // Hospitals come back by themselves.
    await expect
      .poll(async () => (await detail()).hospitals.every(({ id, connected }) => connected || !begun.has(id)), {
        timeout: PATIENCE_MS,
      })
      .toBe(true);
    await isRight();
  }
  const begun = new Set<string>();

  it('while hospitals gather', async () => {
    for (const hospital of ['a', 'b']) {
      await start(hospital);
      begun.add(hospital);
    }
    await expect
      .poll(async () => (await detail()).hospitals.filter(({ consented }) => consented).length, {
        timeout: PATIENCE_MS,
      })
      .toBe(2);
    await rightIn('gathering', 'invite');
  });

  it('while they train', async () => {
    await start('c');
    begun.add('c');
    await gate.holds('adverted');
    await rightIn('advertising', 'train');
  });

  it.each([
    ['deal shares', 'dealt', 'sharing', 'mask'],
    ['mask', 'masked', 'masking', 'mask'],
    ['agree', 'agreed', 'agreeing', 'agree'],
    ['open', 'unmasked', 'unmasking', 'open'],
  ] as const)('while they %s', async (_, word, phase, stage) => {
    gate.letGo();
    await gate.holds(word);
    await rightIn(phase, stage);
  });

  it('paused', async () => {
    await person.button('Pause').click();
    await person.button('Pause after this round').click();
    await person.text('Paused').waitFor();
    gate.letGo();
    await rightIn('gathering', 'invite');
    await person.page.getByText(/no other begins until somebody resumes/).waitFor();
    await person.button('Resume').click();
    await person.dialog.getByRole('button', { name: 'Resume' }).click();
    await gate.holds('adverted');
  });

  it('while they evaluate', async () => {
    for (const word of ['dealt', 'masked', 'agreed', 'unmasked', 'adverted'] as const) {
      gate.letGo();
      await gate.holds(word);
    }
    expect((await detail()).history).toHaveLength(2);
    await rightIn('advertising', 'evaluate');
  });

  it('when it has ended', async () => {
    gate.open();
    await person.page.getByText('No run is under way').waitFor();
    await person.open('#/runs/test-run');
    const ended = async (): Promise<void> => {
      await person.text('Finished').waitFor();
      await person.page.getByText(/Ended: all rounds were led/).waitFor();
      expect(await person.page.locator('li[aria-current=step]').count()).toBe(0);
    };
    await ended();
    await person.page.reload();
    await ended();
  });
});

async function homeToken(folder: string): Promise<string> {
  return (await readFile(join(folder, 'api-token'), 'utf8')).trim();
}
