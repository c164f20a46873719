export { type DatasetOptions, type DatasetPlan, planDataset, type PlanningCode, type Quarantined } from './dataset.js';
export { ImagingError, type ImagingErrorCode } from './errors.js';
export { decodeImage, IMAGE_SIDE, PREPROCESSING_VERSION, setDecoderThreads } from './image.js';
export { readImageFile } from './image-file.js';
export { type ManifestRow, readManifest, type Split } from './manifest.js';
