/** Adam on tfjs tensors. */
import * as tf from '@tensorflow/tfjs';

/** As in Keras and tfjs, which the reference study used; Kingma and Ba have epsilon 1e-8, the same in effect. */
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** Step size and epsilon with both bias corrections folded in, in float64: in float32, 1 - beta2^t starts with three digits lost. */
export function adamScale(learningRate: number, step: number): { stepSize: number; epsilon: number } {
  const { beta1, beta2, epsilon } = adamConstants;
  const correction2 = Math.sqrt(1 - beta2 ** step);
  return { stepSize: (learningRate * correction2) / (1 - beta1 ** step), epsilon: epsilon * correction2 };
}

/**
 * Fresh state each time it is constructed: no moment survives a round, so a round depends on its plan and nothing earlier.
 *
 * @see Kingma and Ba, ICLR 2015, arXiv:1412.6980, algorithm 1 in the order given at the end of section 2
 */
export class Adam {
  readonly #variables: readonly tf.Variable[];
  readonly #first: readonly tf.Variable[];
  readonly #second: readonly tf.Variable[];
  #steps = 0;

  constructor(variables: readonly tf.Variable[]) {
    const zeros = (): tf.Variable[] =>
      variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    this.#variables = variables;
    this.#first = zeros();
    this.#second = zeros();
  }

  get steps(): number {
    return this.#steps;
  }

  /**
   * Must be called inside `tf.tidy`.
   *
   * @param gradients - one per variable, in the same order.
   * @param learningRate - of this step, dimensionless; the moments do not depend on it.
   */
  step(gradients: readonly tf.Tensor[], learningRate: number): void {
    const { beta1, beta2 } = adamConstants;
    this.#steps += 1;
    const { stepSize, epsilon } = adamScale(learningRate, this.#steps);
    for (const [i, variable] of this.#variables.entries()) {
      const [first, second, gradient] = [this.#first[i], this.#second[i], gradients[i]];
      if (!first || !second || !gradient) throw new RangeError('one gradient per variable');
      const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      first.assign(m);
      second.assign(v);
      variable.assign(tf.sub(variable, tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), stepSize)));
    }
  }

  dispose(): void {
    tf.dispose([...this.#first, ...this.#second]);
  }
}
