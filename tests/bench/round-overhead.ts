/**
 * Seconds of a round when training takes none: plan, head down, seal or mask, update up, average or open, publish.
 * Real processes. The limit is
 * the loopback of this machine, measured in the same run: every hospital reads the head and sends as much.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childLines } from './child-lines.js';
import { Bench, benchRun, COORDINATOR } from './coordinator.js';
import { loopbackMiBPerSecond } from './loopback.js';
import { quantile } from './quantile.js';

const NOOP_HOSPITAL = fileURLToPath(new URL('./noop-hospital.js', import.meta.url));
const WARM_UP = 2;

export interface OverheadFigures {
  readonly bench: 'round-overhead';
  readonly mode: 'sealed' | 'secagg';
  readonly hospitals: number;
  readonly parameters: number;
  readonly rounds: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  /** All heads and all updates of a round over the loopback, one after the other. */
  readonly leastSeconds: number;
  readonly bytesSentPerHospitalAndRound: number;
  readonly float32Bytes: number;
}

export interface OverheadOptions {
  readonly hospitals: number;
  readonly parameters: number;
  readonly rounds: number;
  readonly mode: 'sealed' | 'secagg';
}

export async function roundOverhead(options: OverheadOptions): Promise<OverheadFigures> {
  const { hospitals, parameters, rounds, mode } = options;
  const bench = await Bench.prepare(hospitals);
  const run = { ...benchRun(parameters, hospitals, rounds), mode };
  const runFile = join(bench.directory, 'run.yaml');
  await writeFile(runFile, JSON.stringify(run));
  const doneMs: number[] = [];
  const sentBytes: number[] = [];
  const nodes: Promise<void>[] = [];
  const args = ['run', runFile, '--home', join(bench.directory, 'coordinator'), '--port', '0', '--format', 'json'];
  const coordinator = childLines(COORDINATOR, args, (line) => {
    const step = JSON.parse(line) as { event: string; url: string };
    if (step.event === 'round-done') doneMs.push(performance.now());
    if (step.event !== 'listening') return;
    for (const hospital of bench.hospitals) {
      const args = [bench.homeOf(hospital), step.url, String(run.embeddingLength), mode];
      const node = childLines(NOOP_HOSPITAL, args, (text) => {
        sentBytes.push((JSON.parse(text) as { sentBytes: number }).sentBytes);
      });
      nodes.push(node.exit);
    }
  });
  await coordinator.exit;
  await Promise.all(nodes);
  await bench.clear();
  const seconds = doneMs
    .slice(1)
    .map((ms, i) => (ms - (doneMs[i] as number)) / 1_000)
    .slice(WARM_UP - 1);
  return {
    bench: 'round-overhead',
    ...{ mode, hospitals, parameters, rounds: seconds.length },
    p50Seconds: quantile(seconds, 0.5),
    p95Seconds: quantile(seconds, 0.95),
    leastSeconds: (hospitals * 8 * parameters) / 1_048_576 / (await loopbackMiBPerSecond()),
    bytesSentPerHospitalAndRound: Math.round(quantile(sentBytes, 0.5) / rounds),
    float32Bytes: 4 * parameters,
  };
}
