export { HospitalError, type HospitalErrorCode } from './errors.js';
export { initialise, openIdentity, pinnedCoordinator, trust } from './home.js';
export { HospitalNode, type NodeOptions, type NodeOutcome, type NodeProgress } from './run/node.js';
export { FolderMemory, type RunMemory } from './run/memory.js';
export type { Learner, Prepared, Scores, TrainedUpdate } from './run/learner.js';
export { CoordinatorChannel } from './channel/channel.js';
export { LineLost, type Network, type Wire, type WireEvents } from './channel/wire.js';
export { hospitalConfig, type HospitalConfig } from './config.js';
export { readLocalData, splitFor } from './learning/local-data.js';
