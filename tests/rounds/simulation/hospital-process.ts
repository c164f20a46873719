/** One life of a hospital's process, and the disk that outlives it. */
import { HospitalNode, type NodeOutcome, type RunMemory } from '@consilium/hospital';
import type { Identity } from '@consilium/crypto';
import type { Envelope, HospitalId, RequestName, RunId } from '@consilium/protocol';
import { knownLearner, type Pupil } from './known-learner.js';
import { simulatedWire, type NetworkWorld } from './network.js';
import type { Faults } from './scenario.js';
import { newActor, type Actor, type World } from './world.js';

type Outgoing = NonNullable<Awaited<ReturnType<RunMemory['readOutgoing']>>>;

/** The four files of a run, as `FolderMemory` names them. */
export interface HospitalDisk {
  memory: string | undefined;
  updateStatement: { readonly statement: Envelope; readonly blobDigest: Outgoing['blobDigest'] } | undefined;
  updateSealed: Uint8Array | undefined;
  secure: string | undefined;
  isDone: boolean;
}

export const emptyDisk = (): HospitalDisk => ({
  ...{ memory: undefined, updateStatement: undefined, updateSealed: undefined, secure: undefined, isDone: false },
});

export interface HospitalWorld {
  readonly world: World;
  readonly network: NetworkWorld;
  readonly faults: () => Faults;
  readonly coordinatorKey: Uint8Array;
  readonly asked: (hospital: HospitalId, name: RequestName, request: object) => void;
  readonly gone: (process: HospitalProcess) => void;
  readonly ended: (process: HospitalProcess, outcome: NodeOutcome) => void;
}

export class HospitalProcess {
  readonly actor: Actor;
  readonly #loseLine: () => void;

  constructor(
    private readonly parts: HospitalWorld,
    readonly hospitalId: HospitalId,
    identity: Identity,
    private readonly disk: HospitalDisk,
    runId: RunId,
    pupil: Pupil,
  ) {
    const { world, network, coordinatorKey } = parts;
    const actor = newActor(hospitalId);
    this.actor = actor;
    let loseLine = (): void => undefined;
    const memory = this.#memory();
    const node = new HospitalNode({
      ...{ hospitalId, identity, coordinatorKey, url: '', memory, modes: ['sealed', 'secagg'] },
      learner: knownLearner(world, actor, pupil),
      progress: (step) => {
        if (!actor.isDead && step.event === 'stage') world.note(actor, `${step.stage} ${step.round}`);
      },
      network: {
        sleep: (delayMs) => world.pause(actor, delayMs),
        below: (limit) => world.random.integer(limit),
        wire: (_url, events) => {
          const wire = simulatedWire(network, actor, events);
          loseLine = () => {
            wire.lose();
          };
          return {
            sentBytes: 0,
            connect: () => {
              wire.connect();
            },
            disconnect: () => {
              wire.disconnect();
            },
            ask: (name, request) => {
              if (!actor.isDead) parts.asked(hospitalId, name, request);
              return wire.ask(name, request);
            },
          };
        },
      },
    });
    this.#loseLine = () => {
      loseLine();
    };
    node.run().then(
      (outcome) => void this.#end(outcome, runId, memory),
      (error: unknown) => {
        if (!actor.isDead) world.violated(`${hospitalId} failed: ${error instanceof Error ? (error.stack ?? '') : ''}`);
      },
    );
  }

  crash(why: string): void {
    if (this.actor.isDead) return;
    this.parts.world.note(this.actor, `crashes ${why}`);
    this.#loseLine();
    this.actor.isDead = true;
    this.parts.gone(this);
  }

  async #end(outcome: NodeOutcome, runId: RunId, memory: RunMemory): Promise<void> {
    if (this.actor.isDead) return;
    // The results are written first: a crash before they are known to be complete begins the end again.
    this.parts.ended(this, outcome);
    await memory.finish(runId);
    this.actor.isDead = true;
  }

  /** Each write is one atomic renaming of a file; a crash comes before or after it. */
  #memory(): RunMemory {
    const { disk } = this;
    const file = async (name: string, change: () => void): Promise<void> => {
      const { world, faults } = this.parts;
      await world.pause(this.actor, world.delay(3, 200));
      const isLast = world.chance(faults().memoryCrash);
      if (!isLast || world.chance(0.5)) change();
      if (!isLast) return;
      this.crash(`at ${name}`);
      await new Promise(() => undefined);
    };
    return {
      read: () => Promise.resolve(disk.memory === undefined ? undefined : (JSON.parse(disk.memory) as never)),
      write: (_runId, memory) => {
        const text = JSON.stringify(memory);
        return file('memory.json', () => {
          disk.memory = text;
        });
      },
      readOutgoing: () => {
        const { updateStatement, updateSealed } = disk;
        if (updateStatement === undefined || updateSealed === undefined) return Promise.resolve(undefined);
        return Promise.resolve({ ...updateStatement, sealed: updateSealed.slice() });
      },
      writeOutgoing: async (_runId, { statement, blobDigest, sealed }) => {
        await file('update.sealed', () => {
          disk.updateSealed = sealed.slice();
        });
        await file('update.json', () => {
          disk.updateStatement = { statement, blobDigest };
        });
      },
      eraseOutgoing: async () => {
        await file('update.json', () => {
          disk.updateStatement = undefined;
        });
        await file('update.sealed', () => {
          disk.updateSealed = undefined;
        });
      },
      readSecure: () => Promise.resolve(disk.secure === undefined ? undefined : (JSON.parse(disk.secure) as never)),
      writeSecure: (_runId, record) => {
        const text = JSON.stringify(record);
        return file('secure.json', () => {
          disk.secure = text;
        });
      },
      finish: () =>
        file('done', () => {
          disk.isDone = true;
        }),
      isFinished: () => Promise.resolve(disk.isDone),
    };
  }
}
