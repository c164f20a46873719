/** ONNX Runtime's native binding, with one provider: a list of providers throws instead of falling back. */
import type { InferenceSession } from 'onnxruntime-node';
import { FEATURES, PIXELS } from '../graph.js';
import type { Kernel } from './kernel.js';

export type Provider = 'cpu' | 'cuda' | 'webgpu';

/** @throws whatever the runtime throws: the library does not load, there is no such device, the model is not one. */
export async function openOnnxRuntimeNode(
  provider: Provider,
  onnx: Uint8Array<ArrayBuffer>,
  threads: number,
): Promise<Kernel> {
  // Loaded here, not at the top: a machine without the native binary can still use another engine, and is told why.
  const runtime = await import('onnxruntime-node');
  const session: InferenceSession = await runtime.InferenceSession.create(onnx, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Threads that wait by spinning take the cores on which the next films are decoded.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return {
    async compute(pixels, side) {
      const outputs = await session.run({ [PIXELS]: new runtime.Tensor('float32', pixels, [1, 3, side, side]) });
      const values = outputs[FEATURES]?.data;
      return values instanceof Float32Array ? Float32Array.from(values) : undefined;
    },
    release: () => session.release(),
  };
}
