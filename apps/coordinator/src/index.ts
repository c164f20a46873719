export { CoordinatorError, type CoordinatorErrorCode } from './errors.js';
export { enrol, enrolledHospitals, openHome, writeCard, type Home } from './home.js';
export { readRunFile, runConfig, runFileSchema, type RunFile } from './run-file.js';
export { openCoordinator, type CoordinatorOptions, type RunningCoordinator } from './server.js';
export type { Progress } from './run/progress.js';
