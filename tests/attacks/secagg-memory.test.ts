/**
 * Claims, of the memory of a real coordinator's process that leads a secure round of four real hospitals, of which d deals its
 * shares and sends no vector; searched when the vectors are in, before the sum is opened, and after it was published; 30 is
 * the number of the threat model. As they are, in hex or in base64, there is
 * (1) at no time: a hospital's update, as float32 or as the integers that were masked; the mask key of one whose vector is in
 *     the sum; the self seed of d; anybody's encryption key;
 * (2) before hospitals answer the unmask request: no secret of anybody, the self seeds of a, b, c and the mask key of d neither.
 * (3) What the coordinator does know is found by the same search: a mask key's public half, and the run; and so is each needle
 *     where it is planted.
 * Oracle: the bytes themselves, taken where hospitals make them in this process, before libs/secagg overwrites them; the
 * planted updates, put on the grid a second time. Each half of a secret counts. Needles are 64 bits or more, of which rounding
 * leaves two free: in 1 GiB of random memory a false alarm has a probability below 1e-6.
 *
 * Tried by hand: a nonce that is half of an encryption key, and vectors without masks, are both found.
 *
 * After the opening the self seeds of the sum and the mask keys of the dropped are public to hospitals and auditors, by design
 * (libs/secagg/SPEC.md, section 7), in a blob of the coordinator: that they are in its memory then says nothing.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Learner } from '@consilium/hospital';
import { FolderMemory, type HospitalNode } from '@consilium/hospital';
import { Child } from '../faults/child.js';
import { setStage, type Stage } from '../faults/stage.js';
import { knownLearner } from '../support/federation.js';
import { spellings, type Needle } from '../support/leak-search.js';
import { floatPairs, ringPairs } from '../support/planted-update.js';
import { ByteSearch, noMemoryAccess, searchMemory, type MemoryFinding } from '../support/process-memory.js';
import { processesNaming } from '../support/programs.js';
import { halves } from '../support/round-secrets.js';
import { afterRecord } from '../support/secure-part.js';
import { until } from '../support/until.js';

const watching = await vi.hoisted(async () => new (await import('../support/round-secrets.js')).RoundSecrets());
vi.mock('../../libs/secagg/src/keys.js', async (original) => watching.watch(await original<never>()));

const ALL = ['a', 'b', 'c', 'd'] as const;
const SURVIVORS = ['a', 'b', 'c'];
const [CLIP_NORM, WEIGHT_CAP, PARAMETERS] = [2, 10_000_000, 15];

/** No coordinate or pair of them is zero, or that of another hospital. */
const planted = (k: number) => ({
  examples: 7_319_577 + 611_953 * k,
  update: Float32Array.from({ length: PARAMETERS }, (_, i) => Math.fround(Math.cos(i * 3 + k * 11 + 1) / 9)),
});

/** Opened once: who waits goes on. */
function gate(): { readonly passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

const why = noMemoryAccess();
describe.skipIf(why !== null)(`30. the coordinator’s memory${why === null ? '' : `: ${why}`}`, () => {
  let stage: Stage;
  let coordinator: Child;
  let zMax = 0;
  const nodes: HospitalNode[] = [];
  const moments = new Map<'vectors' | 'agreed' | 'published', MemoryFinding>();

  const of = (name: string) => {
    const [first] = watching.madeBy(name);
    if (first === undefined) throw new Error(`${name} made no keys`);
    return first;
  };

  function needles(): Needle[] {
    return ALL.flatMap((name, k) => {
      const { update, examples } = planted(k);
      const { maskKey, encryptionKey, selfSeed, maskPublicKey } = of(name);
      const grid = { examples, weightCap: WEIGHT_CAP, clipNorm: CLIP_NORM, zMax };
      return [
        ...[...floatPairs(update), ...ringPairs(update, grid)].map((bytes) => ({ name: `update of ${name}`, bytes })),
        ...halves(`mask key of ${name}`, maskKey),
        ...halves(`encryption key of ${name}`, encryptionKey),
        ...halves(`self seed of ${name}`, selfSeed),
        { name: `public key of ${name}`, bytes: maskPublicKey },
        { name: 'the run', bytes: Buffer.from('fault-run') },
      ];
    });
  }

  async function start(
    name: (typeof ALL)[number],
    arrived: Map<string, () => void>,
    gates: Map<string, Promise<void>>,
  ) {
    const k = ALL.indexOf(name);
    const { update, examples } = planted(k);
    const known = knownLearner(examples, () => update.slice());
    const pause = async (at: string): Promise<void> => {
      arrived.get(`${name} ${at}`)?.();
      await gates.get(at);
    };
    const learner: Learner = {
      ...known,
      train: async (config, model, round) => {
        zMax = config.secagg?.zMax ?? 0;
        if (round === 2) await pause('published');
        return known.train(config, model, round);
      },
    };
    let memory = new FolderMemory(stage.homeOf(name)) as ReturnType<typeof afterRecord>;
    if (name === 'd') {
      memory = afterRecord(memory, 'masked', () => {
        node.close();
        return new Promise(() => undefined);
      });
    } else {
      memory = afterRecord(memory, 'agreed', () => pause('vectors'));
      memory = afterRecord(memory, 'unmasked', () => pause('agreed'));
    }
    const node = await stage.node(k, { memory, learner, modes: ['secagg'] });
    nodes.push(node);
    watching.of(name, () => {
      node.run().catch(() => undefined); // none of them sees the end of the run
    });
  }

  beforeAll(async () => {
    stage = await setStage(ALL, {
      ...{ mode: 'secagg', rounds: 2, minHospitals: 3, clipNorm: CLIP_NORM, absenceGraceSeconds: 0.05 },
      secagg: { weightCap: WEIGHT_CAP, stageTimeoutSeconds: 600 },
    });
    coordinator = Child.coordinator(stage);
    const [gates, arrived] = [new Map<string, Promise<void>>(), new Map<string, () => void>()];
    const steps = (['vectors', 'agreed', 'published'] as const).map((moment) => {
      const { passed, open } = gate();
      gates.set(moment, passed);
      const all = SURVIVORS.map((name) => {
        const here = gate();
        arrived.set(`${name} ${moment}`, here.open);
        return here.passed;
      });
      return { moment, all: Promise.all(all), open };
    });
    await until(() => coordinator.of('listening').length > 0);
    for (const name of ALL) await start(name, arrived, gates);
    const [{ pid } = { pid: 0 }] = await processesNaming(stage.runFile);
    for (const { moment, all, open } of steps) {
      await all;
      moments.set(moment, await searchMemory(pid, new ByteSearch(needles())));
      open();
    }
  });
  afterAll(async () => {
    coordinator.kill();
    for (const node of nodes) node.close();
    await coordinator.ended;
    await stage.clear();
  });

  it('was of a round in which three of four were summed', () => {
    expect(coordinator.of('round-done').map(({ hospitals }) => hospitals.map(({ id }) => id as string))).toEqual([
      SURVIVORS,
    ]);
    expect(zMax).toBeGreaterThan(2 ** 20);
  });

  it.each(['vectors', 'agreed', 'published'] as const)('%s: what it does know is found', (moment) => {
    const { names, sizeBytes } = moments.get(moment) as MemoryFinding;
    expect(sizeBytes).toBeGreaterThan(20_000_000);
    expect([...names]).toEqual(expect.arrayContaining(['the run', ...ALL.map((name) => `public key of ${name}`)]));
  });

  it.each(['vectors', 'agreed', 'published'] as const)('%s: has no update, and no key that never leaves', (moment) => {
    const { names } = moments.get(moment) as MemoryFinding;
    const never = ALL.flatMap((name) => [
      ...[`update of ${name}`, `encryption key of ${name}`],
      name === 'd' ? 'self seed of d' : `mask key of ${name}`,
    ]);
    expect([...names].filter((name) => never.includes(name))).toEqual([]);
  });

  it('is searched so that each of these is found where it is planted', () => {
    for (const needle of needles()) {
      const search = new ByteSearch([needle]);
      for (const spelling of spellings(needle.bytes)) {
        const found = new Set<string>();
        search.in(Buffer.concat([Buffer.from('"'), spelling, Buffer.from('"')]), found);
        expect([...found]).toEqual([needle.name]);
      }
    }
  });

  it.each(['vectors', 'agreed'] as const)('%s: has no secret at all before the opening', (moment) => {
    const { names } = moments.get(moment) as MemoryFinding;
    expect([...names].filter((name) => /seed|mask key|encryption/.test(name))).toEqual([]);
  });
});
