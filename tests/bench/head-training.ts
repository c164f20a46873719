/** Time of one epoch of head training on embeddings that lie in memory, from the third epoch on. */
import { openBackend, trainHead, type TrainingJob } from '@consilium/head';
import { initialParameters, type HeadSpec } from '@consilium/model-spec';
import { SeededRandom } from '@consilium/tensors';
import { quantile } from './quantile.js';

const heads: Readonly<Record<string, HeadSpec>> = {
  linear: { kind: 'linear', inputs: 2_048, classes: 3 },
  mlp: { kind: 'mlp', inputs: 2_048, hidden: 256, classes: 3 },
};
const options = {
  plain: { proximalMu: 0, classWeights: 'none', schedule: { kind: 'constant' } },
  'every option': { proximalMu: 0.1, classWeights: 'balanced', schedule: { kind: 'cosine', minFactor: 0.1 } },
} as const satisfies Record<string, Pick<TrainingJob, 'proximalMu' | 'classWeights' | 'schedule'>>;

/** @param epochs - that are measured, after two that warm up. */
export async function headTraining(examples: number, epochs: number): Promise<object> {
  const random = new SeededRandom('bench');
  const labels = Int32Array.from({ length: examples }, () => random.integer(3));
  const embeddings = Float32Array.from({ length: examples * 2_048 }, () => random.normal());
  const backend = await openBackend('auto');
  const medianMs: Record<string, number> = {};
  for (const [head, spec] of Object.entries(heads)) {
    for (const [name, chosen] of Object.entries(options)) {
      const spent: number[] = [];
      let startedMs = performance.now();
      await trainHead(
        backend,
        {
          ...{ spec, ...chosen, parameters: initialParameters(spec, 'bench'), examples: { embeddings, labels } },
          ...{ epochs: epochs + 2, batchSize: 32, learningRate: 0.001, l2: 0.1, seed: 'bench' },
        },
        () => {
          spent.push(performance.now() - startedMs);
          startedMs = performance.now();
        },
      );
      medianMs[`${head}, ${name}`] = Math.round(quantile(spent.slice(2), 0.5));
    }
  }
  return { bench: 'head-training', engine: backend.id, examples, batchSize: 32, epochs, medianMs };
}
