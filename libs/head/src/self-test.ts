/** Whether an engine computes what it should: three training steps on fixed numbers, against float64 arithmetic. */
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import { SeededRandom } from '@consilium/tensors';
import { gather, type Examples } from './batches.js';
import { classWeights } from './class-weights.js';
import { LocalPass } from './local-pass.js';
import { referenceSteps } from './reference.js';

// Sizes that are no multiples of a vector register or a tile, so that the edges of each kernel are used as well.
const spec = { kind: 'mlp', inputs: 37, hidden: 19, classes: 3 } as const satisfies HeadSpec;
const penalties = { l2: 0.1, proximalMu: 0.5 };
const learningRates = [0.01, 0.01, 0.005];
const batches = [0, 1, 2].map((b) => Array.from({ length: 11 }, (_, k) => b * 11 + k));

function fixedExamples(): Examples {
  const random = new SeededRandom('head/self-test');
  const n = batches.flat().length;
  return {
    embeddings: Float32Array.from({ length: n * spec.inputs }, () => random.normal()),
    labels: Int32Array.from({ length: n }, () => random.integer(spec.classes)),
  };
}

/**
 * Runs on the active engine. The bounds leave room for a GPU that multiplies in TF32 (10-bit mantissa); wasm and cpu
 * stay a thousand times below them. A wrong kernel moves parameters by whole steps, which are `learningRate` each.
 *
 * @returns Why the engine is not to be trusted, or nothing.
 */
export function selfTest(): string | undefined {
  const examples = fixedExamples();
  // Not the initial head: its output layer is zero, and then no gradient reaches the hidden one.
  const random = new SeededRandom('head/self-test/parameters');
  const parameters = Float32Array.from({ length: parameterCount(spec) }, () => random.uniform(-0.3, 0.3));
  const weightOfClass = classWeights('balanced', examples.labels, spec.classes);
  const steps = batches.map((rows, b) => ({ rows, learningRate: learningRates[b] as number }));
  const expected = referenceSteps(spec, parameters, examples, steps, { ...penalties, weightOfClass });
  const pass = new LocalPass(spec, parameters, penalties);
  try {
    for (const { rows, learningRate } of steps) {
      pass.step(gather(examples, rows, spec.inputs, weightOfClass), learningRate);
    }
    const lossError = Math.abs(pass.takeSummedLoss() - expected.summedLoss) / expected.summedLoss;
    const worst = pass
      .parameters()
      .reduce((most, value, k) => Math.max(most, Math.abs(value - (expected.parameters[k] as number))), 0);
    // Negated, so that NaN fails.
    if (!(lossError <= 1e-3)) return 'self-test: the loss differs from float64 arithmetic';
    if (!(worst <= 0.05 * Math.min(...learningRates)))
      return 'self-test: the parameters differ from float64 arithmetic';
    return undefined;
  } finally {
    pass.dispose();
  }
}
