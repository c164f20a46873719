/**
 * `consilium-hospital pooled`: what one would get with all data in one place. For comparison on a researcher's machine:
 * it reads the folders of several hospitals, which no real hospital could.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBackend, type Examples } from '@consilium/head';
import type { RunConfig } from '@consilium/protocol';
import { readHospitalConfig } from '../config.js';
import { readLocalData, splitFor } from '../learning/local-data.js';
import { assessHead, scoreHead } from '../learning/assessment.js';
import { fitAlone } from '../learning/fit-head.js';
import { metricsOf, type Metrics } from '../learning/summary.js';
import { addPooled } from '../report/write-results.js';

export interface PooledResult {
  /** On the test parts of all hospitals together. */
  readonly pooled: Metrics;
  readonly federated: Metrics;
  /** The pooled head on each hospital's test part, in the order of the folders. */
  readonly perHospital: readonly Metrics[];
}

/**
 * Adds the pooled head to the results and the report of each hospital.
 *
 * @param homes - folders of hospitals that finished `run`, with `hospital.yaml` in each.
 */
export async function pooled(homes: readonly string[], run: string): Promise<PooledResult> {
  const results = join(homes[0] as string, 'results');
  const config = JSON.parse(await readFile(join(results, `${run}.config.json`), 'utf8')) as RunConfig;
  const bytes = await readFile(join(results, `${run}.head`));
  const federated = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const splits = [];
  for (const home of homes) {
    const hospital = await readHospitalConfig(join(home, 'hospital.yaml'));
    splits.push(splitFor(config.study.labels, await readLocalData(hospital, () => undefined), hospital));
  }
  const parts = {
    train: together(splits.map(({ train }) => train)),
    validation: together(splits.map(({ validation }) => validation)),
  };
  const { parameters } = await fitAlone(await openBackend('auto'), config, parts, `${config.seed}/pooled`);
  const perHospital = splits.map((split) => assessHead(config, parameters, split.test, split.testPatients));
  for (const [k, home] of homes.entries()) {
    await addPooled(join(home, 'results'), run, perHospital[k] as (typeof perHospital)[number]);
  }
  const test = together(splits.map((split) => split.test));
  return {
    pooled: metricsOf(scoreHead(config, parameters, test)),
    federated: metricsOf(scoreHead(config, federated, test)),
    perHospital: perHospital.map(metricsOf),
  };
}

function together(parts: readonly Examples[]): Examples {
  const embeddings = new Float32Array(parts.reduce((sum, part) => sum + part.embeddings.length, 0));
  const labels = new Int32Array(parts.reduce((sum, part) => sum + part.labels.length, 0));
  let row = 0;
  let at = 0;
  for (const part of parts) {
    embeddings.set(part.embeddings, at);
    labels.set(part.labels, row);
    at += part.embeddings.length;
    row += part.labels.length;
  }
  return { embeddings, labels };
}
