/** What the main thread and the thread of an engine say to each other. */
import type { Recipe } from '../backbone.js';
import type { EngineId } from '../engine.js';
import type { Model } from './kernel.js';

export interface EngineTask extends Pick<Recipe, 'channelMean' | 'channelStdDev'> {
  readonly id: EngineId;
  readonly threads: number;
  readonly side: number;
  readonly model: Model;
  /** Of the {@link WorkGate}. */
  readonly gate: SharedArrayBuffer;
}

export type Request =
  /** `image`: grey, shape (side, side). */
  { readonly kind: 'embed'; readonly job: number; readonly image: Float32Array } | { readonly kind: 'close' };

export type Reply =
  | { readonly kind: 'ready' }
  /** The engine does not load or fails its self-test; the thread ends. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'features'; readonly job: number; readonly features: Float32Array | undefined }
  | { readonly kind: 'failed'; readonly job: number; readonly why: string };
