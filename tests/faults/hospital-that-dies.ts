/**
 * A hospital whose updates are known, and which kills its process at a chosen call of its memory or its learner:
 * `HOME URL INDEX DEATH MODE`. Every training is a line in the file `trainings` of its home, written before it begins.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FolderMemory, HospitalNode, openIdentity, pinnedCoordinator, type Learner } from '@consilium/hospital';
import { knownLearner } from '../support/federation.js';
import { Mortality, mortal } from './mortal.js';
import { bytesOf, partOf } from './stage.js';

const [home = '', url = '', index = '', death = '', mode] = process.argv.slice(2);
const mortality = new Mortality(death);
const { examples, update } = partOf(Number(index));
const known = knownLearner(examples, update);
const learner: Learner = {
  ...known,
  train: (config, model, round) => {
    appendFileSync(join(home, 'trainings'), `${round}\n`);
    return known.train(config, model, round);
  },
};
const outcome = await new HospitalNode({
  ...(await openIdentity(home)),
  coordinatorKey: await pinnedCoordinator(home),
  ...{ url, modes: [mode === 'secagg' ? 'secagg' : 'sealed'] },
  learner: mortal(learner, ['prepare', 'train', 'evaluate'], mortality),
  memory: mortal(new FolderMemory(home), ['write', 'writeOutgoing', 'eraseOutgoing', 'writeSecure'], mortality),
  progress: () => undefined,
}).run();
const model = outcome.ended === 'finished' || outcome.ended === 'aborted' ? bytesOf(outcome.model) : 'none';
writeSync(1, `${JSON.stringify({ event: 'calls', count: mortality.calls })}\n`);
writeSync(1, `${JSON.stringify({ event: 'outcome', ended: outcome.ended, model })}\n`);
process.exit(0);
