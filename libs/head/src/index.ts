export { HeadError } from './errors.js';
export { openBackend, type Attempt, type HeadBackend } from './backend.js';
export type { EngineId } from './engine.js';
export type { Examples } from './batches.js';
export { trainHead, type TrainedHead, type TrainingJob } from './train.js';
export { predict } from './predict.js';
export { evaluate, type Evaluation } from './evaluate.js';
