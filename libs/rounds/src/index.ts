export type {
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  ReceivedUpdate,
  RunRules,
  Score,
} from './coordinator/state.js';
export { startCoordinator, stepCoordinator } from './coordinator/step.js';
export { refuseUpdate } from './coordinator/refuse-update.js';
export type {
  AcceptedPlan,
  HospitalEffect,
  HospitalEvent,
  HospitalState,
  LocalRefusal,
  Memory,
} from './hospital/state.js';
export { memoryOf, startHospital, stepHospital } from './hospital/step.js';
export { refuseConfig, type HospitalTerms } from './hospital/refuse-config.js';
