export type { Variant } from './architecture.js';
export { type Backbone, type Network, type Recipe, type Rgb, standardise } from './backbone.js';
export { EmbeddingCache, type CacheKey } from './embedding-cache.js';
export type { Engine, EngineId, EngineOptions, Precision } from './engine.js';
export { openEngine } from './engines.js';
export { BackboneError, type BackboneErrorCode } from './errors.js';
export { importBackbone, type ImportOptions, loadBackbone } from './files.js';
export { untrainedBackbone } from './untrained.js';
