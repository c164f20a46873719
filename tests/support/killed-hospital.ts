/**
 * A hospital of a secure run in a process of its own, which dies by SIGKILL between the record of a word and its sending:
 * `HOME URL SAID`; with another word it lives on. Prints how it ended.
 */
import { writeSync } from 'node:fs';
import { FolderMemory, HospitalNode, openIdentity, pinnedCoordinator } from '@consilium/hospital';
import { knownLearner } from './federation.js';
import { afterRecord, partOf, type Said } from './secure-part.js';

const [home = '', url = '', said = ''] = process.argv.slice(2);
const { hospitalId, identity } = await openIdentity(home);
const { examples, update } = partOf(hospitalId);
const memory = afterRecord(new FolderMemory(home), said as Said, () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
});
const outcome = await new HospitalNode({
  ...{ hospitalId, identity, coordinatorKey: await pinnedCoordinator(home) },
  ...{ url, memory, modes: ['secagg'], learner: knownLearner(examples, update), progress: () => undefined },
}).run();
writeSync(1, `${JSON.stringify({ event: 'outcome', ended: outcome.ended, model: 'none' })}\n`);
process.exit(0);
