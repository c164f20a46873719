export { SeededRandom } from './seeded-random.js';
export { TensorsError } from './safetensors-header.js';
export { readSafetensors, writeSafetensors, type RawTensor, type Safetensors, type Tensor } from './safetensors.js';
export { floatBytes } from './float-bytes.js';
