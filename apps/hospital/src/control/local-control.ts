/** The running node's side of the local door: it says what it does, and ends when a person says so. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HospitalError } from '../errors.js';
import type { StatusBoard } from './node-status.js';
import { listenForCommands, type Command } from './socket.js';
import { PID_FILE } from './stop.js';

export interface Stoppable {
  stop(): Promise<void>;
}

export class LocalControl {
  #node: Stoppable | undefined;
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

  attend(node: Stoppable): void {
    this.#node = node;
  }

  /** To be called after each step of progress: who is to end after a round ends here. */
  noted(): void {
    if (this.#isFinishing && !this.board.isWithinARound) void this.stop();
  }

  close(): Promise<void> {
    return this.#close();
  }

  #answer(command: Command): object {
    if (command === 'status') return this.board.status();
    if (command === 'stop') void this.stop();
    else {
      this.#isFinishing = true;
      this.noted();
    }
    return { ok: true };
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
