/**
 * Peak memory of the coordinator against the number of hospitals in a round. It opens one update at a time, so the peak must
 * not grow with them; what it cannot do without is the head (float32), the sum (float64) and one update, sealed and open.
 */
import { setTimeout } from 'node:timers/promises';
import { RawHospital, forgeUpdate } from '../support/raw-hospital.js';
import { Bench, benchRun } from './coordinator.js';

/** Hospitals that upload at the same time. */
const TOGETHER = 8;

export interface MemoryFigures {
  readonly bench: 'coordinator-memory';
  readonly hospitals: number;
  readonly parameters: number;
  readonly idleMiB: number;
  readonly peakMiB: number;
  /** 4 + 8 + 4 + 4 bytes for each parameter. */
  readonly leastMiB: number;
  readonly roundSeconds: number;
}

/** It listens a moment before it has begun its run; whoever comes earlier is told of none. */
async function begun<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 100) throw error;
      await setTimeout(100);
    }
  }
}

export async function coordinatorMemory(options: { hospitals: number; parameters: number }): Promise<MemoryFigures> {
  const { hospitals, parameters } = options;
  const bench = await Bench.prepare(hospitals);
  const coordinator = await bench.coordinator(benchRun(parameters, hospitals, 1));
  try {
    const idleMiB = coordinator.rssMiB();
    const lines: RawHospital[] = [];
    for (const name of bench.hospitals) {
      const credentials = await bench.credentials(name);
      lines.push(await begun(() => RawHospital.join(coordinator.url, credentials)));
    }
    const startedMs = performance.now();
    const values = new Float32Array(parameters).fill(1e-6);
    let next = 0;
    const uploader = async (): Promise<void> => {
      while (next < lines.length) {
        const k = next++;
        const [line, name] = [lines[k] as RawHospital, bench.hospitals[k] as string];
        const update = forgeUpdate(await bench.credentials(name), await line.plan(1), values);
        const code = await line.send(update);
        if (code !== 'OK') throw new Error(`the update of ${name} was refused: ${code}`);
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, uploader));
    await coordinator.saw('round-done');
    const roundSeconds = (performance.now() - startedMs) / 1_000;
    for (const line of lines) line.leave();
    const leastMiB = (20 * parameters) / 1_048_576;
    return {
      bench: 'coordinator-memory',
      ...{ hospitals, parameters, idleMiB, peakMiB: coordinator.peakMiB(), leastMiB, roundSeconds },
    };
  } finally {
    await coordinator.stop();
    await bench.clear();
  }
}
