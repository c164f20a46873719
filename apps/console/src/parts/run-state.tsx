import type { RunSummary } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { words } from '../strings/words.js';
import { Pill, type Tone } from './mark.js';

const TONES: Record<RunSummary['status'], Tone> = {
  running: 'now',
  paused: 'wait',
  finished: 'good',
  aborted: 'bad',
  failed: 'bad',
};

export function RunState({ status }: { readonly status: RunSummary['status'] }): ReactNode {
  return <Pill tone={TONES[status]}>{words.status[status]}</Pill>;
}
