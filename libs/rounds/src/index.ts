export type {
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  OpenedSum,
  ReceivedUpdate,
  RunRules,
  Score,
  SecureRound,
  SecureStage,
  SecureWord,
  SecureWords,
} from './coordinator/state.js';
export { SECURE_STAGES } from './coordinator/state.js';
export { startCoordinator, stepCoordinator } from './coordinator/step.js';
export { ATTEMPTS } from './coordinator/proceeding.js';
export { refuseUpdate } from './coordinator/refuse-update.js';
export type {
  AcceptedPlan,
  AnyPlan,
  HospitalEffect,
  HospitalEvent,
  HospitalState,
  LocalRefusal,
  Memory,
} from './hospital/state.js';
export { memoryOf, startHospital, stepHospital } from './hospital/step.js';
export { cohortOf, isSecure } from './hospital/state.js';
export { refuseConfig, type HospitalTerms } from './hospital/refuse-config.js';
export { decodeFigures, encodeFigures, SECURE_METRICS, type LocalFigures, type SummedFigures } from './figures.js';
export { refuseWord } from './coordinator/refuse-update.js';
export { awaitedIn, speakers } from './coordinator/secure.js';
export { differingField } from './hospital/refuse-plan.js';
