/** The process of one probe: tests one engine and tells its parent. What native code prints or breaks stays in here. */
import type { EngineId } from '../engine.js';
import type { ProbeResult } from './probe.js';
import { reasonOf } from './reason.js';
import { selfTest } from './self-test.js';
import { usesSoftwareAdapter } from './software-adapter.js';

async function result(id: EngineId): Promise<ProbeResult> {
  let software = false;
  try {
    const verdict = await selfTest(id, 1, () => {
      software = id === 'onnxruntime-webgpu' && usesSoftwareAdapter();
    });
    return { ...verdict, software };
  } catch (error) {
    return { passed: false, why: reasonOf(error), software };
  }
}

process.send?.(await result(process.argv[2] as EngineId), () => {
  process.exit(0);
});
