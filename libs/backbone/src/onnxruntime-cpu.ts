/** ONNX Runtime on the CPU, float32: 1 and 2 threads and every batch size give the same bits on one machine. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Network } from './backbone.js';
import type { Engine, EngineOptions } from './engine.js';
import { BackboneError } from './errors.js';
import { FEATURES, PIXELS } from './graph.js';

/**
 * Three channels from one, each with its own mean and deviation. Folding this into the first convolution would be
 * cheaper, but there the padding is zero *after* the normalisation, so every border would be wrong.
 *
 * @returns shape (3, side, side).
 */
export function normalisedPixels(image: Float32Array, { channelMean, channelStdDev }: Network): Float32Array {
  const pixels = new Float32Array(3 * image.length);
  for (const [channel, mean] of channelMean.entries()) {
    const stdDev = channelStdDev[channel] ?? NaN;
    const offset = channel * image.length;
    for (let i = 0; i < image.length; i++) pixels[offset + i] = ((image[i] ?? NaN) - mean) / stdDev;
  }
  return pixels;
}

interface Session {
  run(pixels: Float32Array, dimensions: readonly number[]): Promise<Tensor | undefined>;
  release(): Promise<void>;
}

async function openSession(network: Network, threads: number): Promise<Session> {
  let session: InferenceSession;
  try {
    // Loaded here, not at the top: a machine without the native binary can still import this library, and is told why.
    const runtime = await import('onnxruntime-node');
    session = await runtime.InferenceSession.create(network.onnxModel(), {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    return {
      run: async (pixels, dimensions) => {
        const outputs = await session.run({ [PIXELS]: new runtime.Tensor('float32', pixels, dimensions) });
        return outputs[FEATURES];
      },
      release: () => session.release(),
    };
  } catch (cause) {
    throw new BackboneError('ENGINE_UNAVAILABLE', 'ONNX Runtime did not load, or did not accept the model', { cause });
  }
}

export async function openOnnxRuntimeCpu(network: Network, { threads }: EngineOptions): Promise<Engine> {
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError('threads must be an integer of at least 1');
  const session = await openSession(network, threads);
  const { side, featureLength } = network;
  const imageLength = side * side;
  const running = new Set<Promise<unknown>>();
  let closed = false;

  async function embedOne(image: Float32Array): Promise<Float32Array> {
    if (closed) throw new BackboneError('ENGINE_CLOSED', 'the engine was closed');
    const run = session.run(normalisedPixels(image, network), [1, 3, side, side]);
    running.add(run);
    const values = (await run.finally(() => running.delete(run)))?.data;
    if (!(values instanceof Float32Array) || !values.every(Number.isFinite)) {
      throw new BackboneError('FEATURES_NOT_FINITE', 'an embedding has a number that is not finite');
    }
    return values;
  }

  return {
    id: 'onnxruntime-cpu',
    precision: 'fp32',
    async embed(images, n) {
      if (images.length !== n * imageLength) throw new RangeError(`expected ${n} images of ${side}x${side} pixels`);
      const embeddings = new Float32Array(n * featureLength);
      // One image at a time: eight at once are 2 to 10 % faster, but the binding holds the event loop during a run, and
      // a heartbeat would wait eight times as long.
      for (let i = 0; i < n; i++) {
        embeddings.set(await embedOne(images.subarray(i * imageLength, (i + 1) * imageLength)), i * featureLength);
      }
      return embeddings;
    },
    async close() {
      if (closed) return;
      closed = true;
      // Releasing under a run that is queued would be a use after free in the native code.
      await Promise.allSettled(running);
      await session.release();
    },
  };
}
