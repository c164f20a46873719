/** The thread of one engine: tests it, opens it, then computes one image at a time until it is told to close. */
import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import type { Kernel } from './kernel.js';
import { openKernel } from './kernels.js';
import type { EngineTask, Reply, Request } from './messages.js';
import { normalisedPixels } from './pixels.js';
import { reasonOf } from './reason.js';
import { selfTest } from './self-test.js';
import { WorkGate } from './work-gate.js';

const task = workerData as EngineTask;
const gate = new WorkGate(task.gate);

function reply(message: Reply, transfer: readonly Transferable[] = []): void {
  parentPort?.postMessage(message, transfer);
}

async function open(): Promise<Kernel | undefined> {
  try {
    const verdict = await selfTest(task.id, task.threads);
    if (verdict.passed) return await openKernel(task.id, task.model, task.threads);
    reply({ kind: 'refused', why: verdict.why });
  } catch (error) {
    reply({ kind: 'refused', why: reasonOf(error) });
  }
  return undefined;
}

async function serve(kernel: Kernel, request: Request): Promise<void> {
  if (request.kind === 'close') {
    await gate.pass(() => kernel.release());
    // WebAssembly leaves threads of its own behind; this ends them with this one, not the process.
    process.exit(0);
  }
  const { job, image } = request;
  try {
    const features = await gate.pass(() => kernel.compute(normalisedPixels(image, task), task.side));
    reply({ kind: 'features', job, features }, features === undefined ? [] : [features.buffer as ArrayBuffer]);
  } catch (error) {
    reply({ kind: 'failed', job, why: reasonOf(error) });
  }
}

const kernel = await gate.pass(open);
if (kernel !== undefined) {
  let last: Promise<void> = Promise.resolve();
  parentPort?.on('message', (request: Request) => {
    last = last.then(() => serve(kernel, request));
  });
  reply({ kind: 'ready' });
} else {
  process.exit(0);
}
