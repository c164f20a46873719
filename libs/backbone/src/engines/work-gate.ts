/**
 * Lets `process.exit` wait for native code. Node ends worker threads when the process exits; ONNX Runtime 1.30 throws a
 * C++ exception when its thread ends under a run, and that aborts the process (status 134, measured). So a thread passes
 * this gate before native work, and the process, once it exits, closes the gate and waits for the one inside.
 */
const INSIDE = 0;
const CLOSED = 1;

/** Longer than any image on a processor; after that an abort is better than a process that does not end. */
const EXIT_WAIT_MS = 10_000;

export class WorkGate {
  readonly #flags: Int32Array;

  /** @param shared - 8 bytes that both threads see; zeros at first. */
  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#flags = new Int32Array(shared);
  }

  /** In the thread of the engine: runs `work`, or never if the process is exiting. Not reentrant. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    Atomics.store(this.#flags, INSIDE, 1);
    // In this order, and the other way round in `close`: one of the two always sees the other.
    if (Atomics.load(this.#flags, CLOSED) === 1) {
      this.#leave();
      await new Promise(() => undefined);
    }
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    Atomics.store(this.#flags, INSIDE, 0);
    Atomics.notify(this.#flags, INSIDE);
  }

  /** In the main thread, for good: lets nobody in and blocks until nobody is inside. */
  close(): void {
    Atomics.store(this.#flags, CLOSED, 1);
    Atomics.wait(this.#flags, INSIDE, 1, EXIT_WAIT_MS);
  }
}

const open = new Set<WorkGate>();

function closeAll(): void {
  for (const gate of open) gate.close();
}

/** @returns what undoes it. */
export function closeAtExit(gate: WorkGate): () => void {
  if (open.size === 0) process.on('exit', closeAll);
  open.add(gate);
  return () => {
    open.delete(gate);
    if (open.size === 0) process.off('exit', closeAll);
  };
}
