/** The keys under which answers are kept, and which of them a message of the live channel makes old. */
import type { ChangedMessage } from '@consilium/operator-api';

export const keys = {
  session: ['session'],
  runs: ['runs'],
  run: (run: string) => ['run', run],
  hospitals: ['hospitals'],
  activity: ['activity'],
  operators: ['operators'],
} as const;

/** What must be asked for again. */
export function keysOf({ topic, id }: ChangedMessage): readonly (readonly string[])[] {
  switch (topic) {
    case 'run':
      // The list shows the round of each run.
      return [id === undefined ? ['run'] : keys.run(id), keys.runs];
    case 'runs':
      return [keys.runs, ['run']];
    case 'hospitals':
      // A run shows who is connected.
      return [keys.hospitals, ['run']];
    case 'activity':
      return [keys.activity];
    case 'operators':
      return [keys.operators, keys.session];
  }
}
