/**
 * An engine in a thread of its own. ONNX Runtime's `run` holds the thread that calls it (its promise is resolved after the
 * work, not around it): in the main thread it would hold heartbeats and the decoders' results for a whole image.
 */
import { Worker } from 'node:worker_threads';
import type { Network } from '../backbone.js';
import type { Engine, EngineId } from '../engine.js';
import { BackboneError } from '../errors.js';
import type { Model } from './kernel.js';
import { modelFor } from './kernels.js';
import type { EngineTask, Reply, Request } from './messages.js';
import { reasonOf } from './reason.js';
import { closeAtExit, WorkGate } from './work-gate.js';

/** A thread cannot load TypeScript, so that sources run the built one too; the path is the same from `src` and `dist`. */
const WORKER = new URL('../../dist/engines/worker.js', import.meta.url);

interface Job {
  readonly resolve: (features: Float32Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

const buffersOf = (model: Model): ArrayBuffer[] =>
  'onnx' in model
    ? [model.onnx.buffer]
    : [...model.layers.convolutions.values()].flatMap(({ kernel, bias }) => [kernel.buffer, bias.buffer]);

const unavailable = (id: EngineId, why: string): BackboneError =>
  new BackboneError('ENGINE_UNAVAILABLE', `the engine ${id} cannot be used: ${why}`);

class ThreadedEngine implements Engine {
  readonly precision = 'fp32';
  readonly #jobs = new Map<number, Job>();
  #jobCount = 0;
  #closed = false;
  #broken: BackboneError | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    readonly id: EngineId,
    private readonly network: Pick<Network, 'side' | 'featureLength'>,
    private readonly worker: Worker,
    private readonly ended: Promise<void>,
  ) {
    worker.on('message', (reply: Reply) => {
      if (reply.kind === 'features') this.#take(reply.job)?.resolve(reply.features);
      if (reply.kind === 'failed') this.#take(reply.job)?.reject(unavailable(id, reply.why));
    });
    worker.on('error', (error) => {
      this.#breakDown(reasonOf(error));
    });
    worker.on('exit', () => {
      this.#breakDown('its thread ended');
    });
    // An engine that was forgotten does not keep a process alive; one that works does.
    worker.unref();
  }

  #take(number: number): Job | undefined {
    const job = this.#jobs.get(number);
    this.#jobs.delete(number);
    if (this.#jobs.size === 0) this.worker.unref();
    return job;
  }

  #breakDown(why: string): void {
    this.#broken ??= unavailable(this.id, why);
    for (const { reject } of this.#jobs.values()) reject(this.#broken);
    this.#jobs.clear();
  }

  #send(request: Request, buffers: ArrayBuffer[] = []): void {
    this.worker.ref();
    this.worker.postMessage(request, buffers);
  }

  async #compute(pixels: Float32Array): Promise<Float32Array> {
    if (this.#closed) throw new BackboneError('ENGINE_CLOSED', 'the engine was closed');
    if (this.#broken !== undefined) throw this.#broken;
    const job = this.#jobCount++;
    const image = Float32Array.from(pixels);
    const features = await new Promise<Float32Array | undefined>((resolve, reject) => {
      this.#jobs.set(job, { resolve, reject });
      this.#send({ kind: 'embed', job, image }, [image.buffer]);
    });
    if (features?.length !== this.network.featureLength || !features.every(Number.isFinite)) {
      throw new BackboneError('FEATURES_NOT_FINITE', 'an embedding has a number that is not finite');
    }
    return features;
  }

  async embed(images: Float32Array, n: number): Promise<Float32Array> {
    const { side, featureLength } = this.network;
    const length = side * side;
    if (images.length !== n * length) throw new RangeError(`expected ${n} images of ${side}x${side} pixels`);
    const embeddings = new Float32Array(n * featureLength);
    // Two at a time, one in work and one that waits, so that the thread never idles between images.
    let next: Promise<Float32Array> | undefined;
    const start = (i: number): void => {
      next = i < n ? this.#compute(images.subarray(i * length, (i + 1) * length)) : undefined;
      // It is awaited one image later, or never if the one before it fails.
      next?.catch(() => undefined);
    };
    start(0);
    for (let i = 0; i < n; i++) {
      const current = next as Promise<Float32Array>;
      start(i + 1);
      embeddings.set(await current, i * featureLength);
    }
    return embeddings;
  }

  close(): Promise<void> {
    this.#closed = true;
    // Behind the images that were sent: the thread answers in order.
    this.#closing ??= Promise.resolve().then(() => {
      if (this.#broken === undefined) this.#send({ kind: 'close' });
      return this.ended;
    });
    return this.#closing;
  }
}

/**
 * Opens the engine in its thread, after its self-test there.
 *
 * @throws {@link BackboneError} `ENGINE_UNAVAILABLE`, saying why.
 */
export async function openThreadedEngine(id: EngineId, network: Network, threads: number): Promise<Engine> {
  const model = modelFor(id, network);
  const gate = new WorkGate();
  const { side, channelMean, channelStdDev } = network;
  const task: EngineTask = { id, threads, side, channelMean, channelStdDev, model, gate: gate.shared };
  // No flags of this process: a condition that resolves packages to sources would leave the thread without code to load.
  const worker = new Worker(WORKER, { workerData: task, transferList: buffersOf(model), execArgv: [] });
  const undo = closeAtExit(gate);
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      undo();
      resolve();
    });
  });
  const first = await new Promise<Reply>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (error) => {
      resolve({ kind: 'refused', why: reasonOf(error) });
    });
    worker.once('exit', () => {
      resolve({ kind: 'refused', why: 'its thread ended' });
    });
  });
  if (first.kind !== 'refused') return new ThreadedEngine(id, network, worker, ended);
  await ended;
  throw unavailable(id, first.why);
}
