/**
 * The tfjs engines. tfjs keeps one active engine per process, in a global: so everything that computes takes its turn here,
 * and switches to its own engine first.
 */
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

export type EngineId = 'tfjs-gpu' | 'tfjs-wasm' | 'tfjs-cpu';

const registeredNames = { 'tfjs-gpu': 'tensorflow', 'tfjs-wasm': 'wasm', 'tfjs-cpu': 'cpu' } as const;

// Its only effect in 4.22 is that tfjs stops writing banners and warnings to the console of the program it is used in.
tf.enableProdMode();

let lastTurn: Promise<unknown> = Promise.resolve();

/** Runs `work` when all earlier work has ended, well or badly. Not reentrant. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(work, work);
  lastTurn = turn.catch(() => undefined);
  return turn;
}

/** Makes the engine the active one; cheap when it is already. @throws Error if the engine was never opened. */
export async function activate(id: EngineId): Promise<void> {
  const name = registeredNames[id];
  if (tf.getBackend() !== name && !(await tf.setBackend(name))) throw new Error(`${id} does not start`);
}

async function openGpu(): Promise<void> {
  // tfjs-node 4.22 calls this function, which Node 23 removed.
  (util as { isNullOrUndefined?: (x: unknown) => boolean }).isNullOrUndefined ??= (x) => x == null;
  await import('@tensorflow/tfjs-node-gpu');
  await activate('tfjs-gpu');
  // The package also runs on the processor when CUDA is missing; that must not pass for a GPU.
  if (!(tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice) throw new Error('no GPU device');
}

async function openWasm(): Promise<void> {
  setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  const emitter: EventEmitter = process;
  const crashListeners = ['uncaughtException', 'unhandledRejection'].map((event) => ({
    event,
    before: emitter.listeners(event),
  }));
  try {
    await activate('tfjs-wasm');
  } finally {
    // Emscripten leaves listeners that rethrow: they would end a process that deals with its own rejections.
    for (const { event, before } of crashListeners) {
      for (const listener of emitter.listeners(event)) {
        if (!before.includes(listener)) emitter.off(event, listener as () => void);
      }
    }
  }
}

/** Loads an engine and makes it active, or throws what the engine's own loader threw. */
export async function openEngine(id: EngineId): Promise<void> {
  if (id === 'tfjs-gpu') await openGpu();
  else if (id === 'tfjs-wasm') await openWasm();
  else await activate(id);
}
