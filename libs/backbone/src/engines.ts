/** The engines of this version and the choice between them. It is made once, told, and never changed under way. */
import type { Network } from './backbone.js';
import { AUTOMATIC_ENGINES, type Engine, type EngineId, type EngineOptions, type EnginePreference } from './engine.js';
import { type EngineProbe, float32Environment, probeEngine } from './engines/probe.js';
import { RELATIVE_ERROR_MAX, relativeError } from './engines/self-test.js';
import { openThreadedEngine } from './engines/threaded-engine.js';
import { BackboneError } from './errors.js';

export interface EngineChoice {
  readonly id: EngineId;
  /** Every engine that was tried, in order; the last one was chosen. To be logged once. */
  readonly tried: readonly EngineProbe[];
}

const DEFAULT_ENGINE: EngineId = 'onnxruntime-cpu';
/** Their native code meets drivers that we do not know: it is tried in another process before it is loaded into this one. */
const ON_DRIVERS: readonly EngineId[] = ['tfjs-gpu', 'onnxruntime-cuda', 'onnxruntime-webgpu'];

const reasons = (tried: readonly EngineProbe[]): string =>
  tried.map(({ id, why, detail }) => `${id}: ${why}${detail === '' ? '' : ` (${detail})`}`).join('; ');

const unavailable = (tried: readonly EngineProbe[]): BackboneError =>
  new BackboneError('ENGINE_UNAVAILABLE', `no engine to compute embeddings with: ${reasons(tried)}`);

/** Every engine that `auto` considers, one after the other, each tested in a process of its own. */
export async function probeEngines(ids: readonly EngineId[] = AUTOMATIC_ENGINES): Promise<EngineProbe[]> {
  const probes: EngineProbe[] = [];
  for (const id of ids) probes.push(await probeEngine(id));
  return probes;
}

/**
 * Decides without opening anything: the id is part of the key of cached embeddings, and where all are cached no engine is
 * needed. `auto` takes the first that passes its self-test; a named engine is that one or an error.
 *
 * @throws {@link BackboneError} `ENGINE_UNAVAILABLE`, with every reason.
 */
export async function chooseEngine(preference: EnginePreference): Promise<EngineChoice> {
  const tried: EngineProbe[] = [];
  for (const id of preference === 'auto' ? AUTOMATIC_ENGINES : [preference]) {
    const probe = await probeEngine(id, preference !== 'auto');
    tried.push(probe);
    if (probe.status === 'available') return { id, tried };
  }
  throw unavailable(tried);
}

/** A fixed picture without meaning; stripes and a gradient reach every kernel's borders. Shape (side, side). */
const testImage = (side: number): Float32Array =>
  Float32Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / side) / side, (i % side) / side];
    return 0.5 + 0.25 * Math.sin(40 * row * row) + 0.25 * column * Math.cos(25 * column);
  });

/** The self-test has a sixteenth of the width; kernels and memory are chosen by size, so the network itself is compared too. */
async function disagreement(engine: Engine, network: Network, threads: number): Promise<string | undefined> {
  let oracle: Engine;
  try {
    oracle = await openThreadedEngine(DEFAULT_ENGINE, network, threads);
  } catch (error) {
    // Where the binding does not load there is nothing to compare with; the self-test has to do.
    if (error instanceof BackboneError) return undefined;
    throw error;
  }
  try {
    const image = testImage(network.side);
    const expected = await oracle.embed(image, 1);
    const error = relativeError(await engine.embed(image, 1), expected);
    if (error <= RELATIVE_ERROR_MAX) return undefined;
    return `on this network it differs from ${DEFAULT_ENGINE}, relative error ${error.toExponential(1)}`;
  } finally {
    await oracle.close();
  }
}

async function open(id: EngineId, network: Network, threads: number, allowSoftware: boolean): Promise<Engine> {
  if (ON_DRIVERS.includes(id)) {
    const probe = await probeEngine(id, allowSoftware);
    if (probe.status !== 'available') throw unavailable([probe]);
    // Drivers read the environment of the process, so the thread's own copy would not do.
    Object.assign(process.env, float32Environment(process.env));
  }
  const engine = await openThreadedEngine(id, network, threads);
  if (id === DEFAULT_ENGINE) return engine;
  let why: string | undefined;
  try {
    why = await disagreement(engine, network, threads);
  } catch (error) {
    await engine.close();
    throw error;
  }
  if (why === undefined) return engine;
  await engine.close();
  throw new BackboneError('ENGINE_UNAVAILABLE', `the engine ${id} cannot be used: ${why}`);
}

/**
 * Opens an engine after its self-test; all but ONNX Runtime on the processor are compared with that one as well, on this
 * very network. A named engine is that one or an error, never another in its place. `auto` is the first of
 * {@link AUTOMATIC_ENGINES} that opens: `id` says which.
 *
 * @throws {@link BackboneError} `ENGINE_UNAVAILABLE` with the reasons. RangeError for threads below one.
 */
export async function openEngine(
  network: Network,
  { threads, engine: preference = DEFAULT_ENGINE }: EngineOptions,
): Promise<Engine> {
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError('threads must be an integer of at least 1');
  if (preference !== 'auto') return open(preference, network, threads, true);
  const failures: string[] = [];
  for (const id of AUTOMATIC_ENGINES) {
    try {
      return await open(id, network, threads, false);
    } catch (error) {
      if (!(error instanceof BackboneError)) throw error;
      failures.push(error.message);
    }
  }
  throw new BackboneError('ENGINE_UNAVAILABLE', failures.join('; '));
}
