export { isDicom } from './part10.js';
export { parseDicom, type Dicom } from './dicom.js';
export type { DicomFacts } from './facts.js';
export { storedValues } from './stored-values.js';
export { displayGrey, type GreyImage } from './display-grey.js';
export { DicomError, type DicomErrorCode } from './errors.js';
