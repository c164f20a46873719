/** Seconds of a round when training takes none: plan, model down, seal, update up, average, publish. Real processes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enrol, openHome, writeCard } from '@consilium/coordinator';
import { initialise, trust } from '@consilium/hospital';
import { childLines } from './child-lines.js';
import { quantile } from './quantile.js';

const COORDINATOR = fileURLToPath(import.meta.resolve('@consilium/coordinator')).replace(
  /dist\/index\.js$/,
  'bin/consilium-coordinator.js',
);
const NOOP_HOSPITAL = fileURLToPath(new URL('./noop-hospital.js', import.meta.url));
const WARM_UP = 2;

export async function roundOverhead(options: {
  hospitals: number;
  parameters: number;
  rounds: number;
}): Promise<object> {
  const { hospitals, parameters, rounds } = options;
  const classes = parameters > 1_000_000 ? 1_000 : 100;
  const inputs = parameters / classes - 1;
  const directory = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const home = await openHome(join(directory, 'coordinator'));
  const card = await writeCard(home, 'bench');
  const homes = Array.from({ length: hospitals }, (_, i) => join(directory, `hospital-${i}`));
  for (const [i, folder] of homes.entries()) {
    await enrol(home, (await initialise(folder, `hospital-${i}`)).file);
    await trust(folder, card.file);
  }
  const run = {
    run: 'bench',
    study: { name: 'bench', labels: Array.from({ length: classes }, (_, k) => `class ${k}`) },
    ...{ mode: 'sealed', head: { kind: 'linear' }, embeddingLength: inputs, preprocessing: 'none', rounds },
    backbone: 'ab'.repeat(32),
    minHospitals: hospitals,
  };
  const runFile = join(directory, 'run.yaml');
  await writeFile(runFile, JSON.stringify(run));
  const doneMs: number[] = [];
  const sentBytes: number[] = [];
  const nodes: Promise<void>[] = [];
  const args = ['run', runFile, '--home', join(directory, 'coordinator'), '--port', '0', '--format', 'json'];
  const coordinator = childLines(COORDINATOR, args, (line) => {
    const step = JSON.parse(line) as { event: string; url: string };
    if (step.event === 'round-done') doneMs.push(performance.now());
    if (step.event !== 'listening') return;
    for (const folder of homes) {
      const node = childLines(NOOP_HOSPITAL, [folder, step.url, String(inputs)], (text) => {
        sentBytes.push((JSON.parse(text) as { sentBytes: number }).sentBytes);
      });
      nodes.push(node.exit);
    }
  });
  await coordinator.exit;
  await Promise.all(nodes);
  await rm(directory, { recursive: true });
  const seconds = doneMs
    .slice(1)
    .map((ms, i) => (ms - (doneMs[i] as number)) / 1_000)
    .slice(WARM_UP - 1);
  return {
    bench: 'round-overhead',
    ...{ hospitals, parameters, rounds: seconds.length },
    p50Seconds: quantile(seconds, 0.5),
    p95Seconds: quantile(seconds, 0.95),
    bytesSentPerHospitalAndRound: Math.round(quantile(sentBytes, 0.5) / rounds),
    float32Bytes: 4 * parameters,
  };
}
