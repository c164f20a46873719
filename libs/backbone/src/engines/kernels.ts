/** Engine ids -> the code behind them, each loaded only when it is used. */
import type { Network } from '../backbone.js';
import type { EngineId } from '../engine.js';
import type { Kernel, Model } from './kernel.js';

const TFJS_BACKENDS = { 'tfjs-gpu': 'tensorflow', 'tfjs-wasm': 'wasm', 'tfjs-cpu': 'cpu' } as const;
const PROVIDERS = { 'onnxruntime-cuda': 'cuda', 'onnxruntime-webgpu': 'webgpu', 'onnxruntime-cpu': 'cpu' } as const;

const isTfjs = (id: EngineId): id is keyof typeof TFJS_BACKENDS => id in TFJS_BACKENDS;

/** The form of a network's weights that the engine takes; about 94 MB at full width. */
export const modelFor = (id: EngineId, network: Pick<Network, 'onnxModel' | 'layers'>): Model =>
  isTfjs(id) ? { layers: network.layers() } : { onnx: network.onnxModel() };

/** @throws whatever the engine throws. To be called in the engine's own thread or process. */
export async function openKernel(id: EngineId, model: Model, threads: number): Promise<Kernel> {
  if ('layers' in model) {
    if (!isTfjs(id)) throw new TypeError('this engine takes an ONNX model');
    const { openTfjs } = await import('./tfjs.js');
    return openTfjs(TFJS_BACKENDS[id], model.layers);
  }
  if (isTfjs(id)) throw new TypeError('this engine takes layers');
  if (id === 'onnxruntime-web') {
    const { openOnnxRuntimeWeb } = await import('./onnxruntime-web.js');
    return openOnnxRuntimeWeb(model.onnx, threads);
  }
  const { openOnnxRuntimeNode } = await import('./onnxruntime-node.js');
  return openOnnxRuntimeNode(PROVIDERS[id], model.onnx, threads);
}
