/** A finished run -> a folder that other programs open: check, build, compare, write. */
import { join } from 'node:path';
import { layersModelFiles, releaseOnnx, type Backbone } from '@consilium/backbone';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { readHospitalConfig } from '../config.js';
import { openBackbone } from '../learning/local-data.js';
import { RELEASE_FORMAT, RESEARCH_USE, type HospitalResult, type ModelCard } from './card.js';
import { cardText } from './card-text.js';
import { HospitalError } from '../errors.js';
import { headFile, layersOf } from './head-file.js';
import { NewFolder, PUBLIC } from './new-folder.js';
import { preprocessingText } from './preprocessing.js';
import { readResults, readRun, type ReleasedRun } from './run-results.js';
import { selfCheck } from './self-check.js';

export interface ExportRequest {
  readonly home: string;
  readonly run: string;
  /** Default: `releases/RUN` in the home folder. */
  readonly out?: string;
  /** Results files of other hospitals. */
  readonly results: readonly string[];
}

export interface ExportReceipt {
  readonly folder: string;
  readonly run: string;
  readonly hospitals: readonly string[];
  readonly largestDifference: number;
}

/**
 * @throws {@link HospitalError} `RUN_UNKNOWN`, `RESULTS_INVALID`, `BACKBONE_MISMATCH`, `RELEASE_INCOMPATIBLE`,
 * `RELEASE_DIFFERS` or `TARGET_NOT_EMPTY`; then nothing is left behind.
 */
export async function exportRelease({ home, run: runId, out, results: files }: ExportRequest): Promise<ExportReceipt> {
  const { run, parameters, own } = await readRun(join(home, 'results'), runId);
  const results = await readResults(run, own, files);
  const config = await readHospitalConfig(join(home, 'hospital.yaml'));
  const backbone = await openBackbone(config.backbone);
  checkMatch(run, backbone);
  const folder = await NewFolder.at(out ?? join(home, 'releases', runId), PUBLIC);
  try {
    const about = aboutOf(run, backbone);
    const layers = layersOf(run.head, parameters);
    const model = releaseOnnx(backbone, layers, about);
    const check = await selfCheck(model, backbone, { spec: run.head, parameters }, config.threads);
    const card = cardOf({ run, backbone, results, rounds: own.rounds, check });
    await folder.write('model.onnx', model);
    for (const { name, bytes } of layersModelFiles(backbone, layers, about)) await folder.write(`tfjs/${name}`, bytes);
    await folder.write('head.safetensors', headFile(run.head, parameters, backbone, about));
    await folder.write('preprocessing.json', preprocessingText(backbone));
    await folder.write('model-card.json', `${JSON.stringify(card, null, 2)}\n`);
    await folder.write('model-card.md', cardText(card));
    await folder.writeSums();
    const { largestDifference } = check;
    const hospitals = results.map(({ hospital }) => hospital);
    return { folder: await folder.keep(), run: runId, hospitals, largestDifference };
  } finally {
    await folder.discard();
  }
}

function checkMatch(run: ReleasedRun, backbone: Backbone): void {
  if (run.backbone !== backbone.hash) {
    throw new HospitalError(
      'BACKBONE_MISMATCH',
      `run ${run.runId} used the backbone ${run.backbone}, hospital.yaml names ${backbone.hash}`,
    );
  }
  if (run.preprocessing !== PREPROCESSING_VERSION) {
    throw new HospitalError(
      'RELEASE_INCOMPATIBLE',
      `run ${run.runId} prepared images as ${run.preprocessing}, this program does as ${PREPROCESSING_VERSION}`,
    );
  }
}

/** What each file says of itself, should it be passed on alone. */
const aboutOf = (run: ReleasedRun, backbone: Backbone): Record<string, string> => ({
  use: RESEARCH_USE,
  run: run.runId,
  study: run.study.name,
  labels: JSON.stringify(run.study.labels),
  backbone: backbone.hash,
  backboneTrained: String(backbone.trained),
  preprocessing: run.preprocessing,
});

interface CardParts {
  readonly run: ReleasedRun;
  readonly backbone: Backbone;
  readonly results: HospitalResult[];
  readonly rounds: number;
  readonly check: ModelCard['selfCheck'];
}

function cardOf({ run, backbone, results, rounds, check }: CardParts): ModelCard {
  const { name, hash, trained, variant, side, featureLength } = backbone;
  return {
    format: RELEASE_FORMAT,
    use: RESEARCH_USE,
    exportedAt: new Date().toISOString(),
    run: run.runId,
    study: run.study,
    mode: run.mode,
    rounds,
    hospitals: run.roster.map(({ hospitalId }) => hospitalId),
    training: run.training,
    backbone: { name, hash, trained, variant, side, featureLength },
    preprocessing: run.preprocessing,
    head: run.head,
    results,
    calibration: calibrationOf(results),
    selfCheck: check,
  };
}

/** A mean over hospitals is at least the error of all their images together: opposite faults do not cancel in it. */
function calibrationOf(results: readonly HospitalResult[]): ModelCard['calibration'] {
  const known = results.flatMap(({ images: { test }, federated: { calibrationError: error } }) =>
    error === null || test === 0 ? [] : [{ test, error }],
  );
  if (known.length === 0) return null;
  const images = known.reduce((sum, { test }) => sum + test, 0);
  const error = known.reduce((sum, { test, error: one }) => sum + (one * test) / images, 0);
  return { error, images, hospitals: known.length };
}
