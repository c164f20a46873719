/** ONNX Runtime compiled to WebAssembly: no native code, for machines where the binding does not load. */
import { FEATURES, PIXELS } from '../graph.js';
import type { Kernel } from './kernel.js';

/** @throws whatever the runtime throws. @param threads - shared by all sessions of one thread: the first one decides. */
export async function openOnnxRuntimeWeb(onnx: Uint8Array<ArrayBuffer>, threads: number): Promise<Kernel> {
  const runtime = await import('onnxruntime-web');
  runtime.env.wasm.numThreads = threads;
  const session = await runtime.InferenceSession.create(onnx, { executionProviders: ['wasm'], logSeverityLevel: 3 });
  return {
    async compute(pixels, side) {
      const outputs = await session.run({ [PIXELS]: new runtime.Tensor('float32', pixels, [1, 3, side, side]) });
      const values = outputs[FEATURES]?.data;
      return values instanceof Float32Array ? Float32Array.from(values) : undefined;
    },
    release: () => session.release(),
  };
}
