/** Claim: the example of the README compiles, runs and says the truth about its result. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { initialParameters, parameterCount, type HeadSpec } from '@consilium/model-spec';
import { SeededRandom } from '@consilium/tensors';
import { evaluate, intervals, openBackend, predict, trainHead } from './index.js';

const spec: HeadSpec = { kind: 'linear', inputs: 16, classes: 3 };
const globalParameters = initialParameters(spec, 'readme');
const random = new SeededRandom('readme');
const labels = Int32Array.from({ length: 60 }, (_, k) => k % 3);
/** Two images of each patient. */
const patients = labels.map((_, k) => Math.floor(k / 2));
const embeddings = Float32Array.from({ length: 60 * 16 }, (_, at) =>
  random.normal(at % 16 === labels[Math.floor(at / 16)] ? 3 : 0),
);

it('runs the example of the README', async () => {
  const lines: unknown[] = [];
  const log = { info: (line: unknown) => lines.push(line) };
  // example
  const backend = await openBackend('auto');
  log.info(backend.tried); // for instance tfjs-gpu absent, tfjs-wasm chosen
  const trained = await trainHead(backend, {
    spec,
    parameters: globalParameters,
    examples: { embeddings, labels },
    epochs: 5,
    batchSize: 32,
    learningRate: 0.05,
    l2: 0.01,
    proximalMu: 0, // above 0: FedProx
    classWeights: 'balanced',
    schedule: { kind: 'cosine', minFactor: 0.1 },
    span: { epochsBefore: 10, epochsOfRun: 50 }, // round 3 of 10
    seed: 'run 7, round 3, hospital ward-a',
  });
  const update = trained.parameters.map((value, k) => value - (globalParameters[k] ?? 0)); // stays here until clipped
  const probabilities = predict(spec, trained.parameters, embeddings, labels.length);
  const after = evaluate(probabilities, labels, spec.classes);
  const { accuracy } = intervals(probabilities, labels, spec.classes, { seed: 'run 7', groups: patients });
  // end
  expect(lines).toEqual([backend.tried]);
  expect(update).toHaveLength(parameterCount(spec));
  const before = evaluate(predict(spec, globalParameters, embeddings, labels.length), labels, spec.classes);
  expect(after.accuracy).toBeGreaterThan(before.accuracy ?? 1);
  expect(accuracy?.lower).toBeLessThanOrEqual(after.accuracy ?? 0);
  expect(accuracy?.upper).toBeGreaterThanOrEqual(after.accuracy ?? 1);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
