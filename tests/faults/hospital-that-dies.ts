/**
 * A hospital whose updates are known, and which kills its process at a chosen call of its memory or its learner, or leaves at
 * a stage, after a chunk of an update (`SIGKILL@chunk-3`), or between the record of a word of a secure round and its sending: `HOME URL INDEX DEATH MODE SIZE`. Every training is a line in the file `trainings` of its home, written before it begins.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  FolderMemory,
  HospitalNode,
  openIdentity,
  pinnedCoordinator,
  type Learner,
  type RunMemory,
} from '@consilium/hospital';
import { knownLearner } from '../support/federation.js';
import { tappedNetwork } from '../support/tapped-network.js';
import { departure, Mortality, mortal } from './mortal.js';
import { bytesOf, LARGE, partOf, SPEC } from './stage.js';

const [home = '', url = '', index = '', death = '', mode, size] = process.argv.slice(2);
const mortality = new Mortality(death);
const leaves = departure(death);
const spec = size === 'large' ? LARGE : SPEC;
const { examples, update } = partOf(Number(index), spec);
const known = knownLearner(examples, update, spec.inputs);
const folder = new FolderMemory(home);
const recorded: RunMemory['writeSecure'] = async (runId, record) => {
  await folder.writeSecure(runId, record);
  leaves(record.open?.said ?? '');
};
const memory = new Proxy<RunMemory>(folder, {
  get: (target, name): unknown => {
    const value: unknown = name === 'writeSecure' ? recorded : Reflect.get(target, name, target);
    return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
  },
});
const learner: Learner = {
  ...known,
  train: (config, model, round) => {
    appendFileSync(join(home, 'trainings'), `${round}\n`);
    return known.train(config, model, round);
  },
};
let chunks = 0;
const network = tappedNetwork({
  answered: (name, answer) => {
    if (name === 'update.chunk') leaves(`chunk-${++chunks}`);
    return answer;
  },
});
const outcome = await new HospitalNode({
  ...(await openIdentity(home)),
  coordinatorKey: await pinnedCoordinator(home),
  ...{ url, network, modes: [mode === 'secagg' ? 'secagg' : 'sealed'] },
  learner: mortal(learner, ['prepare', 'train', 'evaluate'], mortality),
  memory: mortal(memory, ['write', 'writeOutgoing', 'eraseOutgoing', 'writeSecure'], mortality),
  progress: (step) => {
    if (step.event === 'stage') leaves(step.stage);
  },
}).run();
const model = outcome.ended === 'finished' || outcome.ended === 'aborted' ? bytesOf(outcome.model) : 'none';
writeSync(1, `${JSON.stringify({ event: 'calls', count: mortality.calls })}\n`);
writeSync(1, `${JSON.stringify({ event: 'outcome', ended: outcome.ended, model })}\n`);
process.exit(0);
