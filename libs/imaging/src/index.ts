export {
  type DatasetOptions,
  type DatasetPlan,
  type DatasetRow,
  type LabelledRow,
  planDataset,
  type PlanningCode,
  type Quarantined,
} from './dataset.js';
export { type Dataset, type DatasetSource, readDataset } from './dataset-folder.js';
export type { Decoded } from './decoder.js';
export { DecoderPool, type DecoderPoolOptions } from './decoder-pool.js';
export { ImagingError, type ImagingErrorCode } from './errors.js';
export { listFiles } from './file-list.js';
export { formatOf, type ImageFormat } from './format.js';
export { examine, type Examination, GATE_VERSION, type GateCode, type GateFlag } from './gate/examine.js';
export { type FolderCode, judge, type JudgedFile, type JudgeOptions, type Verdict } from './gate/judge.js';
export { readImageFile } from './image-file.js';
export { IMAGE_SIDE, setDecoderThreads } from './square.js';
export { decodeImage, PREPROCESSING_VERSION, readXray, type XrayImage } from './xray.js';
