export { ModelSpecError } from './errors.js';
export { checkHeadSpec, headLimits, type HeadSpec, type LinearSpec, type MlpSpec } from './spec.js';
export { headTensors, parameterCount, splitParameters, type HeadTensor, type TensorName } from './tensors.js';
export { initialParameters } from './initial.js';
