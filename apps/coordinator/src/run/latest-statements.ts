/** What a hospital that has just come must know of a run: the newest statement of each kind that still holds. */
import type { Pushed } from '@consilium/protocol';
import type { CoordinatorState } from '@consilium/rounds';

/** In order of time. */
const ORDER: readonly Pushed['name'][] = [
  ...(['run-config', 'aggregate', 'plan'] as const),
  ...(['secagg-aggregate', 'secagg-plan', 'roster', 'deliver', 'survivors', 'unmask-request'] as const),
  'run-end',
];
/** Those of one attempt: none outlives it. */
const OF_ATTEMPT: readonly Pushed['name'][] = [
  'plan',
  'secagg-plan',
  'roster',
  'deliver',
  'survivors',
  'unmask-request',
];

export class LatestStatements {
  readonly #latest = new Map<Pushed['name'], Pushed>();

  /** One of the past, read out of the log. */
  know(statement: Pushed): void {
    this.#latest.set(statement.name, statement);
  }

  /** One that is said now. */
  say(statement: Pushed): void {
    const { name } = statement;
    // A plan begins an attempt; a sum and the end of the run end it.
    if (name === 'plan' || name === 'secagg-plan' || !OF_ATTEMPT.includes(name)) {
      for (const old of OF_ATTEMPT) this.#latest.delete(old);
    }
    this.#latest.set(name, statement);
  }

  /** At most seven: see `limits.syncStatements`. */
  inOrder(): Pushed[] {
    return ORDER.map((name) => this.#latest.get(name)).filter((statement) => statement !== undefined);
  }
}

interface Run {
  readonly state: Pick<CoordinatorState, 'phase'>;
  current(): Pushed[];
}

/** Those of open runs last, where nothing is cut off: without its configuration no hospital comes back to a run. */
export function statementsOf(runs: readonly Run[]): Pushed[] {
  const isOpen = (run: Run): number => (run.state.phase === 'ended' ? 0 : 1);
  return runs.toSorted((a, b) => isOpen(a) - isOpen(b)).flatMap((run) => run.current());
}
