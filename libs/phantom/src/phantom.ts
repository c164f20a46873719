/** A phantom: one synthetic frontal chest radiograph. */
import { SeededRandom } from '@consilium/tensors';
import type { PhantomLabel } from './findings.js';
import { type Patient, drawPatient } from './patient.js';
import { drawPose, view } from './pose.js';
import { type Scanner, expose } from './scanner.js';

export interface PhantomRequest {
  /** Names the patient: the same seed is the same body, whatever the label and the scanner. */
  readonly seed: string;
  readonly label: PhantomLabel;
  readonly scanner: Scanner;
  /** Which exposure of this patient, from 0 (the default): another one has another pose and other noise. */
  readonly exposureIndex?: number;
}

export interface PhantomImage {
  /** Row-major grey levels, 0 .. 65535, bright for dense tissue (MONOCHROME2). */
  readonly pixels: Uint16Array<ArrayBuffer>;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** Renders one film. The same request gives the same pixels. */
export function renderPhantom({ seed, label, scanner, exposureIndex = 0 }: PhantomRequest): PhantomImage {
  return exposePatient(drawPatient(seed, label), scanner, `${seed}/exposure ${exposureIndex}`);
}

/** Takes a film of a patient that is already drawn. */
export function exposePatient(patient: Patient, scanner: Scanner, seed: string): PhantomImage {
  const random = new SeededRandom(seed);
  const size = scanner.sizePixels;
  const attenuation = view(patient.attenuation, drawPose(random), size);
  return { pixels: expose(attenuation, scanner, random), widthPixels: size, heightPixels: size };
}
