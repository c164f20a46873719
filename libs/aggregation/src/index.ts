export { AggregationError } from './errors.js';
export { checkUpdate, UpdateCheck, type UpdateLimits } from './update.js';
export { clipUpdate } from './clip.js';
export { applyMean, type PartwiseAddition, WeightedMean } from './weighted-mean.js';
export { robustMean, type RobustLimits, type RobustMean } from './robust.js';
export { type Exclusion, fewestUpdates, type Observation, requireUpdates, type RobustRule } from './robust-rule.js';
export type { StoredUpdates } from './update-blocks.js';
export { type ServerMoments, type ServerOptimizer, momentCount, startMoments } from './server-optimizer.js';
export { serverOptimizerOf, stepServer } from './server-optimizer.js';
