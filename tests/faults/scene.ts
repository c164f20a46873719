/** One fault on a stage of its own: what it started is ended with it, so that scenes run side by side. */
import type { RunFile } from '@consilium/coordinator';
import type { Child } from './child.js';
import { setStage, type Stage } from './stage.js';

export class Scene {
  readonly #children: Child[] = [];

  private constructor(readonly stage: Stage) {}

  /** @param changes - of the run file. */
  static async play(
    hospitals: readonly string[],
    changes: Partial<RunFile>,
    act: (scene: Scene) => Promise<void>,
  ): Promise<void> {
    const scene = new Scene(await setStage(hospitals, changes));
    try {
      await act(scene);
    } finally {
      for (const child of scene.#children) {
        child.kill();
        await child.ended;
      }
      await scene.stage.clear();
    }
  }

  started(child: Child): Child {
    this.#children.push(child);
    return child;
  }
}
