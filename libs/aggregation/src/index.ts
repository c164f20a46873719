export { AggregationError } from './errors.js';
export { checkUpdate, type UpdateLimits } from './update.js';
export { IncomingUpdate } from './incoming-update.js';
export { applyMean, WeightedMean } from './weighted-mean.js';
