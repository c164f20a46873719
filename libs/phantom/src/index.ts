export { phantomLabels, type PhantomLabel } from './findings.js';
export type { Scanner } from './scanner.js';
export type { Marker } from './marker.js';
export { demoHospitals, type DemoHospital } from './hospitals.js';
export { renderPhantom, type PhantomImage, type PhantomRequest } from './phantom.js';
export { encodePhantom } from './encode.js';
export { writeHospitalFolder, type HospitalFolderRequest } from './folder.js';
export { contactSheet, type ContactSheetTile } from './contact-sheet.js';
export { PhantomError, type PhantomErrorCode } from './errors.js';
