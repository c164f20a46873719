/** Whether an engine works on this machine, found out in another process: a broken driver ends that one, not this. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineId } from '../engine.js';
import { absenceIn, absenceOf } from './presence.js';
import type { Verdict } from './self-test.js';

export interface EngineProbe {
  readonly id: EngineId;
  /** `absent` is normal: the package, its library or the device is not there. `failed` is there and cannot be used. */
  readonly status: 'available' | 'absent' | 'failed';
  /** For people, without a path of this machine. */
  readonly why: string;
  /** What to do or what was measured; may be empty. */
  readonly detail: string;
}

export type ProbeResult = Verdict & { readonly software: boolean };

/** As for the thread: the built program, also when sources run. */
const PROGRAM = fileURLToPath(new URL('../../dist/engines/probe-process.js', import.meta.url));
/** A software adapter compiles its shaders for ten seconds. */
const LIMIT_MS = 120_000;

/** CUDA's libraries would multiply in TF32, 10 bits of mantissa, which is not what `fp32` promises. An operator's own value stays. */
export const float32Environment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  NVIDIA_TF32_OVERRIDE: '0',
  ...environment,
});

function run(id: EngineId): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const failed = (why: string): void => {
      resolve({ passed: false, why, software: false });
    };
    const child = fork(PROGRAM, [id], {
      execArgv: [],
      // Drivers and runtimes write warnings that belong to no log of ours.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...float32Environment(process.env), TF_CPP_MIN_LOG_LEVEL: '3' },
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    child.once('message', (result) => {
      resolve(result as ProbeResult);
    });
    child.once('error', () => {
      failed('the process of the self-test does not start');
    });
    child.once('exit', (status, signal) => {
      failed(`the process of the self-test ended with ${signal ?? `status ${String(status)}`}`);
    });
  });
}

function judge(id: EngineId, result: ProbeResult, allowSoftware: boolean): EngineProbe {
  if (!result.passed) {
    const absence = absenceIn(result.why);
    if (absence !== undefined) return { id, status: 'absent', ...absence };
    return { id, status: 'failed', why: 'the self-test failed', detail: result.why };
  }
  if (result.software && !allowSoftware) {
    return {
      ...{ id, status: 'failed', why: 'the graphics adapter is software' },
      detail: 'it is slower than the processor; used only when chosen by name',
    };
  }
  const error = `relative error ${result.relativeError.toExponential(1)} against PyTorch in float64`;
  return { id, status: 'available', why: 'the self-test passed', detail: error };
}

const results = new Map<EngineId, Promise<ProbeResult>>();

/**
 * Hardware does not change under a process: each engine is tested once.
 *
 * @param allowSoftware - a software adapter is available as well; for an engine that was chosen by name.
 */
export async function probeEngine(id: EngineId, allowSoftware = false): Promise<EngineProbe> {
  const absence = absenceOf(id);
  if (absence !== undefined) return { id, status: 'absent', ...absence };
  const result = results.get(id) ?? run(id);
  results.set(id, result);
  return judge(id, await result, allowSoftware);
}
