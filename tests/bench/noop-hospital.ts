/** A hospital process whose training does nothing: what is left is the protocol. Arguments: home, coordinator's URL, inputs, mode. */
import {
  FolderMemory,
  HospitalNode,
  openIdentity,
  pinnedCoordinator,
  tuneHeap,
  type Learner,
} from '@consilium/hospital';

const [home, url, inputs, mode] = process.argv.slice(2) as [string, string, string, 'sealed' | 'secagg'];

tuneHeap();
const learner: Learner = {
  prepare: () => Promise.resolve({ backbone: 'ab'.repeat(32), preprocessing: 'none', embeddingLength: Number(inputs) }),
  train: (config) => Promise.resolve({ update: new Float32Array(config.parameters).fill(1e-6), examples: 1, loss: 0 }),
  evaluate: () => Promise.resolve(undefined),
};
const outcome = await new HospitalNode({
  ...(await openIdentity(home)),
  coordinatorKey: await pinnedCoordinator(home),
  ...{ url, learner, memory: new FolderMemory(home), modes: [mode] },
  progress: () => undefined,
}).run();
if (outcome.ended !== 'finished') throw new Error(`ended as ${outcome.ended}`);
process.stdout.write(`${JSON.stringify({ sentBytes: outcome.sentBytes })}\n`);
process.exit(0);
