/** The running node's side of the local door: it says what it does, and ends when a person says so. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtocolError } from '@consilium/protocol';
import { HospitalError } from '../errors.js';
import type { StatusBoard } from './node-status.js';
import { listenForCommands, type Command, type Relayed } from './socket.js';
import { PID_FILE } from './stop.js';

export interface Attended {
  stop(): Promise<void>;
  /** Over the line that it holds. @throws ProtocolError as the coordinator refuses. */
  ask(name: Relayed['ask'], request: Relayed['request']): Promise<object>;
}

export class LocalControl {
  #node: Attended | undefined;
  #isFinishing = false;
  #end!: (error: HospitalError) => void;
  #close: () => Promise<void> = () => Promise.resolve();
  /** Rejects with `STOPPED` when a person stops this node, whatever it does then. */
  readonly stopped = new Promise<never>((_, reject) => {
    this.#end = reject;
  });

  private constructor(private readonly board: StatusBoard) {
    // It may reject when nobody waits yet.
    this.stopped.catch(() => undefined);
  }

  /** @throws {@link HospitalError} `ALREADY_RUNNING`. */
  static async open(home: string, board: StatusBoard): Promise<LocalControl> {
    const control = new LocalControl(board);
    control.#close = await listenForCommands(home, (command) => control.#answer(command));
    await writeFile(join(home, PID_FILE), String(process.pid), { mode: 0o600 });
    return control;
  }

  attend(node: Attended): void {
    this.#node = node;
  }

  /** To be called after each step of progress: who is to end after a round ends here. */
  noted(): void {
    if (this.#isFinishing && !this.board.isWithinARound) void this.stop();
  }

  close(): Promise<void> {
    return this.#close();
  }

  #answer(command: Command): object | Promise<object> {
    if (typeof command === 'object') return this.#relay(command);
    if (command === 'status') return this.board.status();
    if (command === 'stop') void this.stop();
    else {
      this.#isFinishing = true;
      this.noted();
    }
    return { ok: true };
  }

  async #relay({ ask, request }: Relayed): Promise<object> {
    // Who would wait for a line is told that there is none.
    if (this.#node === undefined || !this.board.isConnected) throw new Error('no line');
    try {
      return await this.#node.ask(ask, request);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { ok: false, code: error.code, message: error.message };
    }
  }

  /** Ends the node, within a second; who wants it to stay ended writes that down first. */
  async stop(): Promise<void> {
    try {
      await this.#node?.stop();
    } finally {
      this.#end(new HospitalError('STOPPED', 'a person stopped this hospital; consilium-hospital start begins again'));
    }
  }
}
