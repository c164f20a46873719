/** One decoder thread with at most one file in it. When the thread is lost, so is that file, and nothing else. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { ImagingError, type ImagingErrorCode } from './errors.js';
import type { Examination } from './gate/examine.js';
import type { XrayImage } from './xray.js';

export interface Decoded {
  readonly image: XrayImage;
  readonly examination: Examination;
}

export interface DecodeRequest {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type DecodeAnswer =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'decoded'; readonly id: number } & Decoded)
  | { readonly kind: 'refused'; readonly id: number; readonly code: ImagingErrorCode; readonly message: string }
  | { readonly kind: 'failed'; readonly id: number };

export interface DecoderLimits {
  readonly timeLimitMs: number;
  readonly memoryLimitMb: number;
}

export interface DecodeJob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly resolve: (decoded: Decoded) => void;
  readonly reject: (reason: Error) => void;
}

/** By its built form: a thread cannot load TypeScript, also where this file runs from its source. */
export const decodeWorkerFile = (): string =>
  createRequire(import.meta.url).resolve('@consilium/imaging/decode-worker');

export class Decoder {
  readonly #worker: Worker;
  readonly #limits: DecoderLimits;
  readonly #onIdle: (decoder: Decoder) => void;
  readonly #onLost: (decoder: Decoder) => void;
  #job: DecodeJob | undefined;
  #jobs = 0;
  #ready = false;
  #lost = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    file: string,
    limits: DecoderLimits,
    onIdle: (decoder: Decoder) => void,
    onLost: (decoder: Decoder) => void,
  ) {
    this.#limits = limits;
    this.#onIdle = onIdle;
    this.#onLost = onLost;
    this.#worker = new Worker(file, {
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryLimitMb },
      execArgv: [],
      // What a codec prints may quote a header: it is read and forgotten.
      stdout: true,
      stderr: true,
    });
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on('message', (answer: DecodeAnswer) => {
      this.#hear(answer);
    });
    this.#worker.on('error', (cause) => {
      this.#lose(this.#ready ? failure() : new Error('the decoder thread does not start', { cause }));
    });
    this.#worker.on('exit', () => {
      this.#lose(this.#ready ? failure() : new Error('the decoder thread does not start'));
    });
  }

  /** Only for a decoder without a job. The bytes are transferred: the caller's array is empty afterwards. */
  start(job: DecodeJob): void {
    this.#job = job;
    this.#jobs += 1;
    const request: DecodeRequest = { id: this.#jobs, bytes: job.bytes };
    this.#worker.postMessage(request, [job.bytes.buffer]);
    if (this.#ready) this.#startTimer();
  }

  /** Its job, if any, is rejected at once; resolves when the thread is gone. */
  async stop(reason: Error): Promise<void> {
    this.#lose(reason);
    await this.#worker.terminate();
  }

  #hear(answer: DecodeAnswer): void {
    if (this.#lost) return;
    if (answer.kind === 'ready') {
      this.#ready = true;
      // Loading the decoders takes longer than many a file and is not the file's fault.
      if (this.#job !== undefined) this.#startTimer();
      return;
    }
    const job = this.#job;
    if (job === undefined || answer.id !== this.#jobs) return;
    clearTimeout(this.#timer);
    this.#job = undefined;
    if (answer.kind === 'decoded') job.resolve({ image: answer.image, examination: answer.examination });
    else if (answer.kind === 'refused') job.reject(new ImagingError(answer.code, answer.message));
    else job.reject(failure());
    this.#onIdle(this);
  }

  #startTimer(): void {
    const job = this.#job;
    this.#timer = setTimeout(() => {
      // One turn later: where this thread was busy, the answer may have been waiting longer than the limit.
      setImmediate(() => {
        if (this.#job === job) {
          this.#lose(new ImagingError('DECODE_TIMEOUT', `decoding took longer than ${this.#limits.timeLimitMs} ms`));
        }
      });
    }, this.#limits.timeLimitMs);
  }

  #lose(reason: Error): void {
    if (this.#lost) return;
    this.#lost = true;
    clearTimeout(this.#timer);
    void this.#worker.terminate();
    this.#job?.reject(reason);
    this.#job = undefined;
    this.#onLost(this);
  }
}

const failure = (): ImagingError => new ImagingError('DECODER_FAILED', 'the decoder broke down on this file');
