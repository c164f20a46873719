/** The choice of an engine: the first that loads and passes the self-test, with a record of what was tried. */
import { HeadError } from './errors.js';
import { inTurn, openEngine, type EngineId } from './engine.js';
import { selfTest } from './self-test.js';

export type Attempt =
  | { readonly id: EngineId; readonly outcome: 'chosen' }
  /** It could not be loaded: a normal state, above all for the GPU package. */
  | { readonly id: EngineId; readonly outcome: 'absent'; readonly reason: string }
  /** It runs and computes something else. */
  | { readonly id: EngineId; readonly outcome: 'wrong'; readonly reason: string };

export interface HeadBackend {
  readonly id: EngineId;
  /** Every engine that was tried, in order; the last one was chosen. To be logged once, at the start of a node. */
  readonly tried: readonly Attempt[];
}

/** One line, without the path of a machine: it goes into a log and on a screen. */
export function absenceReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('native addon module')) return 'its native library is not installed';
  if (/cannot find (package|module)/i.test(message)) return 'the package is not installed';
  const line = message.split('\n', 1)[0] ?? '';
  return line.replaceAll(/(?:file:\/\/|[A-Za-z]:)?[\\/][^\s'":]+/g, '<path>').slice(0, 120);
}

/**
 * Tries engines in order until one is chosen.
 *
 * @param open - loads one engine and makes it active, or throws.
 * @param test - says what is wrong with the active engine, or nothing.
 * @throws {@link HeadError} `BACKEND_UNAVAILABLE`, with every reason.
 */
export async function chooseEngine(
  candidates: readonly EngineId[],
  open: (id: EngineId) => Promise<void>,
  test: () => string | undefined,
): Promise<HeadBackend> {
  const tried: Attempt[] = [];
  for (const id of candidates) {
    try {
      await open(id);
    } catch (error) {
      tried.push({ id, outcome: 'absent', reason: absenceReason(error) });
      continue;
    }
    let reason: string | undefined;
    try {
      reason = test();
    } catch (error) {
      reason = `self-test: ${absenceReason(error)}`;
    }
    if (reason === undefined) return { id, tried: [...tried, { id, outcome: 'chosen' }] };
    tried.push({ id, outcome: 'wrong', reason });
  }
  const reasons = tried.map((attempt) => `${attempt.id}: ${attempt.outcome === 'chosen' ? '' : attempt.reason}`);
  throw new HeadError('BACKEND_UNAVAILABLE', `no engine to train on (${reasons.join('; ')})`);
}

/**
 * Opens an engine. `auto` tries the GPU, then wasm, then plain JavaScript; a named engine is that one or an error, never
 * another in its place. Prints nothing. Waits for a training that is under way.
 *
 * @throws {@link HeadError} `BACKEND_UNAVAILABLE`.
 */
export function openBackend(preference: 'auto' | EngineId = 'auto'): Promise<HeadBackend> {
  const candidates: readonly EngineId[] = preference === 'auto' ? ['tfjs-gpu', 'tfjs-wasm', 'tfjs-cpu'] : [preference];
  return inTurn(() => chooseEngine(candidates, openEngine, selfTest));
}
