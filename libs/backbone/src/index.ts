export type { Variant } from './architecture.js';
export { type Backbone, type Network, type Recipe, type Rgb, standardise } from './backbone.js';
export { type CacheUsage, cacheUsage, collectGarbage, type Collected } from './cache-folder.js';
export { EmbeddingCache, type CacheKey } from './embedding-cache.js';
export {
  AUTOMATIC_ENGINES,
  type Engine,
  type EngineId,
  type EngineOptions,
  type EnginePreference,
  FORCED_ENGINES,
  type Precision,
} from './engine.js';
export { chooseEngine, type EngineChoice, openEngine, probeEngines } from './engines.js';
export type { EngineProbe } from './engines/probe.js';
export { BackboneError, type BackboneErrorCode } from './errors.js';
export { type BackboneFile, importBackbone, type ImportOptions, loadBackbone, openBackboneFile } from './files.js';
export type { Provenance } from './metadata.js';
export { untrainedBackbone } from './untrained.js';
export { type Outcome, type Verification, verifyBackbone } from './verification.js';
export { type DenseLayer, featureScaling } from './release/parts.js';
export { layersModelFiles } from './release/layers-model.js';
export { type Outputs, openReleasedModel, type ReleasedModel } from './release/released-model.js';
export { releaseOnnx } from './release/onnx-model.js';
