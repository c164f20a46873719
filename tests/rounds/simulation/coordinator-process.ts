/** One life of a coordinator's process: composed as `apps/coordinator/src/server.ts` does it, around simulated ports. */
import { pino } from 'pino';
import {
  Desk,
  Leadership,
  Office,
  Uploads,
  type Clock,
  type Conductor,
  type ConductorPorts,
} from '@consilium/coordinator';
import type { Identity, RoundKey } from '@consilium/crypto';
import type { Ack, HospitalId, Pushed, RequestName, RunConfig } from '@consilium/protocol';
import type { Lease, RunStore } from '@consilium/store';
import type { Listener, ServerEnd } from './network.js';
import { newActor, type Actor, type World } from './world.js';

export interface CoordinatorWorld {
  readonly world: World;
  readonly identity: Identity;
  readonly config: RunConfig;
  readonly keyOf: (hospitalId: HospitalId) => string | undefined;
  readonly makeRoundKey: () => RoundKey;
  readonly storeFor: (actor: Actor, crash: (why: string) => void) => RunStore;
  readonly observe: {
    answered(hospital: HospitalId | undefined, name: RequestName, request: object, answer: Ack): void;
    pushed(statement: Pushed): void;
    kept(round: number, model: Float32Array): void;
  };
  /** The process is no more. @param wasKilled - and not by itself. */
  readonly gone: (process: CoordinatorProcess, wasKilled: boolean) => void;
}

const log = pino({ enabled: false });
const HANDSHAKE_MS = 10_000;

export class CoordinatorProcess implements Listener {
  readonly actor: Actor;
  readonly #lines = new Set<ServerEnd>();
  #desk: Desk | undefined;
  #office: Office | undefined;
  #leadership: Leadership | undefined;
  #store: RunStore | undefined;
  #isClosing = false;
  /** Nothing may be said or kept from here on. */
  #isDeposed = false;

  /** @param slot - the machine that it runs on: its name at the store. */
  constructor(
    private readonly parts: CoordinatorWorld,
    readonly slot: string,
    life: number,
    clockRate: number,
  ) {
    this.actor = newActor(`${slot}.${life}`, clockRate);
    void this.#run();
  }

  get isListening(): boolean {
    return this.#desk !== undefined && !this.actor.isDead && !this.#isClosing;
  }

  /** The run, once it is taken up. */
  get conductor(): Conductor | undefined {
    return this.#office?.runs[0];
  }

  crash(why: string): void {
    if (this.actor.isDead) return;
    this.parts.world.note(this.actor, `crashes ${why}`);
    this.#end(true);
  }

  async #run(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (error instanceof Error && error.name !== 'StoreError')
        this.parts.world.violated(`a start failed: ${error.stack ?? ''}`);
      this.crash('at its start');
    }
  }

  async #open(): Promise<void> {
    const { identity, config, keyOf, makeRoundKey, observe, world } = this.parts;
    const store = this.parts.storeFor(this.actor, (why) => {
      this.crash(why);
    });
    this.#store = store;
    const clock = this.#clock();
    const leadership = await Leadership.gain({
      ...{ store, clock, holder: this.slot },
      waiting: () => undefined,
      lost: () => {
        this.close();
      },
    });
    this.#leadership = leadership;
    world.note(this.actor, 'leads');
    const lease = (): Lease => leadership.lease;
    const uploads = new Uploads(store, lease);
    const ports: ConductorPorts = {
      ...{ identity, store, lease, clock, log, makeRoundKey },
      push: (_conductor, statement) => {
        if (!this.#mayAct(`pushed a ${statement.name}`)) return;
        observe.pushed(statement);
        for (const line of this.#lines) if (line.member !== undefined) line.push(statement);
      },
      keepModel: (_config, round, model) => {
        if (this.#mayAct('kept a model')) observe.kept(round, model);
        return Promise.resolve();
      },
      progress: (step) => {
        if (!this.#mayAct(`said ${step.event}`)) return;
        world.note(this.actor, `says ${step.event}${'round' in step ? ` ${step.round}` : ''}`);
        if (step.event === 'round-done') uploads.forget(step.run);
      },
      deposed: () => {
        this.#isDeposed = true;
        this.close();
      },
    };
    const office = await Office.open(ports);
    this.#office = office;
    const desk = new Desk({
      ...{ identity, office, uploads, log, progress: () => undefined },
      keyOf: (hospitalId) => Promise.resolve(keyOf(hospitalId)),
    });
    this.#desk = desk;
    await office.begin(config, () => desk.present());
  }

  arrive(line: ServerEnd): void {
    this.#lines.add(line);
    this.#desk?.arrive(line);
    this.parts.world.after(this.actor, HANDSHAKE_MS, () => {
      if (this.#lines.has(line) && line.member === undefined) line.cut();
    });
  }

  async answer(line: ServerEnd, name: RequestName, request: object): Promise<Ack> {
    const desk = this.#desk;
    if (desk === undefined) return new Promise(() => undefined);
    const answer = (await desk.answer(name, line.id, request)) as Ack;
    if (this.actor.isDead) return new Promise(() => undefined);
    if (name === 'prove' && answer.ok) line.member = desk.hospitalOf(line.id);
    this.parts.observe.answered(line.member, name, request, answer);
    return answer;
  }

  leave(line: ServerEnd): void {
    this.#lines.delete(line);
    this.#desk?.leave(line.id);
  }

  /** Orderly, as after SIGTERM or when another leads. */
  close(): void {
    void this.#close();
  }

  async #close(): Promise<void> {
    if (this.#isClosing || this.actor.isDead) return;
    this.#isClosing = true;
    this.parts.world.note(this.actor, 'closes');
    this.#office?.park();
    for (const line of [...this.#lines]) line.cut();
    await this.#leadership?.giveUp();
    await this.#store?.close();
    this.#end(false);
  }

  #mayAct(what: string): boolean {
    if (this.actor.isDead) return false;
    if (this.#isDeposed) this.parts.world.violated(`${this.actor.name} ${what} after it was deposed`);
    return true;
  }

  #end(wasKilled: boolean): void {
    if (this.actor.isDead) return;
    this.actor.isDead = true;
    this.parts.gone(this, wasKilled);
  }

  /** Every line of a dead process is lost. */
  get lines(): readonly ServerEnd[] {
    return [...this.#lines];
  }

  #clock(): Clock {
    const { world } = this.parts;
    const { actor } = this;
    return {
      nowMs: () => 1_000 + world.nowMs * actor.clockRate,
      after: (delayMs, ring) => world.after(actor, delayMs / actor.clockRate, ring),
      sleep: (delayMs) => world.pause(actor, delayMs / actor.clockRate),
    };
  }
}
