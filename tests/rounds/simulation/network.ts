/**
 * Lines between hospitals and whichever coordinator listens. Within a line and a direction messages keep their order, as TCP
 * keeps it; between lines nothing does. A line is lost silently: what was under way is gone, and each end notices by itself,
 * sooner or later, so that an old line of a hospital may outlive the beginning of its next one.
 */
import type { Ack, HospitalId, Pushed, RequestName } from '@consilium/protocol';
import { LineLost, type Wire, type WireEvents } from '@consilium/hospital';
import type { Faults } from './scenario.js';
import type { Actor, World } from './world.js';

/** A coordinator as the network sees it. */
export interface Listener {
  readonly actor: Actor;
  arrive(line: ServerEnd): void;
  answer(line: ServerEnd, name: RequestName, request: object): Promise<Ack>;
  leave(line: ServerEnd): void;
}

export interface ServerEnd {
  readonly id: string;
  /** Where pushes go from here on; undefined for a stranger. */
  member: HospitalId | undefined;
  push(statement: Pushed): void;
  cut(): void;
  /** The cable breaks. */
  lose(): void;
}

export interface NetworkWorld {
  readonly world: World;
  readonly faults: () => Faults;
  readonly listeners: () => readonly Listener[];
  readonly isCutOff: (hospital: string) => boolean;
  /** Of most messages. */
  readonly latencyMs: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
const HANDSHAKE = ['hello', 'prove'];

class Line implements ServerEnd {
  readonly id: string;
  member: HospitalId | undefined;
  readonly #pending = new Set<(error: Error) => void>();
  #isLost = false;
  #clientHasLeft = false;
  #serverHasLeft = false;
  #upArrivalMs = 0;
  #downArrivalMs = 0;

  constructor(
    private readonly net: NetworkWorld,
    private readonly hospital: Actor,
    private readonly listener: Listener,
    private readonly events: WireEvents,
    private readonly gone: (byServer: boolean) => void,
  ) {
    this.id = net.world.nextId('line');
    listener.arrive(this);
  }

  ask(name: RequestName, request: object): Promise<unknown> {
    const { world } = this.net;
    if (this.#clientHasLeft) return Promise.reject(new LineLost());
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        cancel();
        this.#pending.delete(lost);
      };
      const lost = (error: Error): void => {
        settled();
        reject(error);
      };
      const cancel = world.after(this.hospital, REQUEST_TIMEOUT_MS, () => {
        lost(new LineLost());
      });
      this.#pending.add(lost);
      this.#up(() => void this.#serve(name, request, settled, resolve));
      // A copy that a proxy repeats: nobody waits for its answer.
      if (!HANDSHAKE.includes(name) && world.chance(this.net.faults().duplicate)) {
        this.#up(() => void this.listener.answer(this, name, request));
      }
    });
  }

  async #serve(
    name: RequestName,
    request: object,
    settled: () => void,
    resolve: (answer: unknown) => void,
  ): Promise<void> {
    const answer = await this.listener.answer(this, name, request);
    this.#down(() => {
      settled();
      resolve(answer);
    });
  }

  push(statement: Pushed): void {
    this.#down(() => {
      this.events.statement(statement);
    });
  }

  /** By the coordinator, on purpose. */
  cut(): void {
    if (this.#serverHasLeft) return;
    this.#down(() => {
      this.#clientLeaves(true);
    });
    this.#serverLeaves();
  }

  /** By the hospital, on purpose. */
  hangUp(): void {
    this.#up(() => {
      this.#serverLeaves();
    });
    this.#clientLeaves(false);
  }

  /** One end is no more, or the cable between them. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const { world } = this.net;
    world.after(this.hospital, world.delay(800, 4_000), () => {
      this.#clientLeaves(false);
    });
    world.after(this.listener.actor, world.delay(800, 8_000), () => {
      this.#serverLeaves();
    });
  }

  #up(deliver: () => void): void {
    this.#upArrivalMs = this.#carry(this.listener.actor, this.#upArrivalMs, () => {
      if (!this.#serverHasLeft) deliver();
    });
  }

  #down(deliver: () => void): void {
    this.#downArrivalMs = this.#carry(this.hospital, this.#downArrivalMs, () => {
      if (!this.#clientHasLeft) deliver();
    });
  }

  /** @returns When it arrives: nothing on this way overtakes it. */
  #carry(to: Actor, earliestMs: number, deliver: () => void): number {
    const { world, faults, isCutOff, latencyMs } = this.net;
    if (isCutOff(this.hospital.name) || world.chance(faults().lineLoss)) this.lose();
    const arrivalMs = Math.max(earliestMs, world.nowMs + world.delay(latencyMs, 1_500));
    // What a line still carries when it is lost arrives or not.
    if (!this.#isLost || world.chance(0.3)) world.after(to, arrivalMs - world.nowMs, deliver);
    return arrivalMs;
  }

  #clientLeaves(byServer: boolean): void {
    if (this.#clientHasLeft) return;
    this.#clientHasLeft = true;
    for (const lost of [...this.#pending]) lost(new LineLost());
    this.gone(byServer);
    this.events.disconnected(byServer);
  }

  #serverLeaves(): void {
    if (this.#serverHasLeft) return;
    this.#serverHasLeft = true;
    this.listener.leave(this);
  }
}

/** A hospital's wire: comes up as soon as somebody listens, and again after every loss. */
export function simulatedWire(net: NetworkWorld, hospital: Actor, events: WireEvents): Wire & { lose(): void } {
  const { world } = net;
  let line: Line | undefined;
  let isWanted = false;
  let isTrying = false;
  const tryLater = (delayMs: number): void => {
    if (isTrying) return;
    isTrying = true;
    world.after(hospital, delayMs, () => {
      isTrying = false;
      if (!isWanted || line !== undefined) return;
      const listeners = net.listeners();
      const listener = listeners[listeners.length === 0 ? 0 : world.random.integer(listeners.length)];
      if (listener === undefined || net.isCutOff(hospital.name)) {
        events.unreachable();
        tryLater(world.random.uniform(500, 2_000));
        return;
      }
      world.note(hospital, `connects to ${listener.actor.name}`);
      line = new Line(net, hospital, listener, events, (byServer) => {
        line = undefined;
        isWanted &&= !byServer;
        if (isWanted) tryLater(world.random.uniform(300, 1_500));
      });
      events.connected();
    });
  };
  return {
    sentBytes: 0,
    connect: () => {
      isWanted = true;
      if (line === undefined) tryLater(world.random.uniform(5, 50));
    },
    disconnect: () => {
      isWanted = false;
      line?.hangUp();
    },
    ask: (name, request) => line?.ask(name, request) ?? Promise.reject(new LineLost()),
    lose: () => {
      line?.lose();
    },
  };
}
