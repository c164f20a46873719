/**
 * Decoding beside the main thread, one file in each thread. A file that hangs or crashes a decoder costs that thread,
 * which is replaced, and no other file. What a thread may take is bounded in time and in JavaScript memory; pixel buffers
 * are outside V8's heap and are bounded by the sizes that the readers accept.
 */
import { Decoder, decodeWorkerFile, type Decoded, type DecodeJob, type DecoderLimits } from './decoder.js';

export interface DecoderPoolOptions {
  /** Threads, 1 or more; each is started when it is first needed. */
  readonly workers: number;
  /** For one file. Default 30 s. */
  readonly timeLimitMs?: number;
  /** V8's old generation of one thread. Default 512 MB. */
  readonly memoryLimitMb?: number;
}

export class DecoderPool {
  /** Calls of {@link decode} that keep every thread busy. Each holds a file in memory, so callers make no more at once. */
  readonly capacity: number;
  readonly #workers: number;
  readonly #limits: DecoderLimits;
  readonly #workerFile: string;
  readonly #all = new Set<Decoder>();
  readonly #idle: Decoder[] = [];
  readonly #waiting: DecodeJob[] = [];
  #closed = false;

  /** @param workerFile - for tests of threads that fail. */
  constructor(
    { workers, timeLimitMs = 30_000, memoryLimitMb = 512 }: DecoderPoolOptions,
    workerFile = decodeWorkerFile(),
  ) {
    if (!Number.isInteger(workers) || workers < 1) throw new RangeError('workers must be an integer of at least 1');
    this.#workers = workers;
    this.capacity = 2 * workers;
    this.#limits = { timeLimitMs, memoryLimitMb };
    this.#workerFile = workerFile;
  }

  /**
   * @param bytes - a whole file; attacker-controlled. Transferred: empty afterwards where it fills its buffer.
   * @throws {@link ImagingError} the codes of `readXray`, `DECODE_TIMEOUT`, or `DECODER_FAILED` if the thread ended.
   * @throws Error if the threads do not start at all, or the pool was closed.
   */
  decode(bytes: Uint8Array): Promise<Decoded> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: owned(bytes), resolve, reject });
      this.#assign();
    });
  }

  /** What is not decoded yet is rejected. Waits for the threads, of which libvips may hold one for some seconds. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
    await Promise.all([...this.#all].map((decoder) => decoder.stop(closedError())));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const decoder = this.#idle.pop() ?? this.#add();
      if (decoder === undefined) return;
      decoder.start(this.#waiting.shift() as DecodeJob);
    }
  }

  #add(): Decoder | undefined {
    if (this.#all.size === this.#workers) return undefined;
    const decoder = new Decoder(
      this.#workerFile,
      this.#limits,
      (idle) => {
        this.#idle.push(idle);
        this.#assign();
      },
      (lost) => {
        this.#all.delete(lost);
        const at = this.#idle.indexOf(lost);
        if (at >= 0) this.#idle.splice(at, 1);
        if (!this.#closed) this.#assign();
      },
    );
    this.#all.add(decoder);
    return decoder;
  }
}

/** Bytes that share their buffer, as small Node buffers do, cannot be transferred. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength
    ? new Uint8Array(buffer)
    : Uint8Array.from(bytes);
}

const closedError = (): Error => new Error('the decoder pool is closed');
