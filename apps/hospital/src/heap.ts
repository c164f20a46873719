/** How V8 collects garbage in a hospital's process. */
import { setFlagsFromString } from 'node:v8';

/**
 * An update, sealed or masked, lies outside of V8's heap and dies with its round. V8 counts it against a limit that follows its
 * heap, which is small here: left alone it walks the whole heap every round. It may grow by 150 % before.
 */
export function tuneHeap(): void {
  setFlagsFromString('--heap-growing-percent=150');
}
