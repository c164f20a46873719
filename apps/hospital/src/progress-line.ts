/** One line for people for each step, or none where a line would only scroll. */
import type { StartProgress } from './commands/start.js';
import { FAULTS } from './network/fault.js';

const LINES = {
  connected: 'connected to the coordinator, identities proved',
  disconnected: 'connection lost; trying again',
  unreachable: 'the coordinator does not answer; trying again with growing pauses',
} as const;

const VERIFIED = {
  whole: 'the sum was recomputed here from the masked updates of all who are in it',
  sampled: 'random parts of the sum were recomputed here from the masked updates of all who are in it',
  no: 'the new head follows from the sum',
} as const;

const AWAITED = {
  'awaiting-approval': 'waiting for a person here: consilium-hospital approve shows what waits',
  'awaiting-roster':
    'waiting for a person here: hospitals of this run are not in the roster that was compared; consilium-hospital membership shows its words, verify says that they were compared',
} as const;

export function lineOf(step: StartProgress): string | undefined {
  switch (step.event) {
    case 'line':
      return step.why === undefined ? LINES[step.state] : `${LINES[step.state]}: ${FAULTS[step.why][0]} (${step.why})`;
    case 'embedding':
      return step.done % 50 === 0 || step.done === step.total ? `embeddings ${step.done}/${step.total}` : undefined;
    case 'stage':
      if (step.stage in AWAITED) return AWAITED[step.stage as keyof typeof AWAITED];
      return step.round > 0 ? `round ${step.round}: ${step.stage}` : step.stage;
    case 'declined':
      return `round ${step.round}: no update, ${step.reason}`;
    case 'who-sees':
      return ['who could see what in this run', ...step.lines.map((line) => `  ${line}`)].join('\n');
    case 'verified':
      return `round ${step.round}: ${VERIFIED[step.recomputed]}`;
    case 'evaluated': {
      const { part, examples, loss, balancedAccuracy } = step.scores;
      return `round ${step.round}: loss ${loss.toFixed(3)}, balanced accuracy ${balancedAccuracy.toFixed(3)} on ${examples} ${part} images`;
    }
    case 'data':
      return `images ${step.usable} usable, ${Object.values(step.quarantined).reduce((sum, n) => sum + n, 0)} set aside; embeddings by ${step.engine}`;
    case 'page':
      return `page: ${step.url}`;
    case 'warning':
      return `warning ${step.message}`;
    case 'finished':
      return `results ${step.file}`;
  }
}
