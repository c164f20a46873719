/** The engines of this version and the choice between them; today there is one. */
import type { Network } from './backbone.js';
import type { Engine, EngineOptions } from './engine.js';
import { openOnnxRuntimeCpu } from './onnxruntime-cpu.js';

/**
 * Opens the engine of this machine: ONNX Runtime on the CPU.
 *
 * @throws {@link BackboneError} `ENGINE_UNAVAILABLE` if the runtime does not load or refuses the model.
 */
export const openEngine = (network: Network, options: EngineOptions): Promise<Engine> =>
  openOnnxRuntimeCpu(network, options);
