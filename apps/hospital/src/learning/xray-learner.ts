/** The real learner: X-rays on this hospital's disk, a frozen backbone, a head trained with TensorFlow.js. */
import { openBackend, type HeadBackend } from '@consilium/head';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import type { RunConfig } from '@consilium/protocol';
import type { HospitalConfig } from '../config.js';
import type { Learner, Prepared, Scores, TrainedUpdate } from '../run/learner.js';
import { scoreHead } from './assessment.js';
import { fitRound, roundSeed } from './fit-head.js';
import { groupBy } from './group-by.js';
import { readLocalData, splitFor, type LocalData, type Split } from './local-data.js';
import { VERSION } from '../version.js';

/** What was found in the folder, as counts, and what it was read with. */
export interface ReadImages {
  readonly usable: number;
  /** By reason code. */
  readonly quarantined: Readonly<Record<string, number>>;
  readonly classes: Readonly<Record<string, number>>;
  readonly backbone: { readonly name: string; readonly trained: boolean };
  readonly engine: string;
  readonly trainer: string;
}

export class XrayLearner implements Learner {
  #data: LocalData | undefined;
  #split: Split | undefined;
  #backend: HeadBackend | undefined;

  constructor(
    private readonly config: HospitalConfig,
    private readonly hospitalId: string,
    private readonly onProgress: (done: number, total: number) => void,
    private readonly onRead: (images: ReadImages) => void = () => undefined,
  ) {}

  async prepare(): Promise<Prepared> {
    this.#backend = await openBackend('auto');
    this.#data = await readLocalData(this.config, this.onProgress);
    const { backbone, engineId, embedded, quarantined } = this.#data;
    const { hash, featureLength, name, trained } = backbone;
    const classes = groupBy(embedded, ({ row }) => row.label ?? '');
    this.onRead({
      usable: embedded.length,
      quarantined: Object.fromEntries(quarantined),
      classes: Object.fromEntries([...classes].map(([label, images]) => [label, images.length])),
      backbone: { name, trained },
      engine: engineId,
      trainer: this.#backend.id,
    });
    return { backbone: hash, preprocessing: PREPROCESSING_VERSION, embeddingLength: featureLength };
  }

  /** What the coordinator may show its people; undefined before an engine was chosen. */
  get about(): { readonly version: string; readonly engine: string } | undefined {
    return this.#data && { version: VERSION, engine: this.#data.engineId };
  }

  patients(config: RunConfig): number {
    return this.split(config).trainPatients;
  }

  async train(config: RunConfig, model: Float32Array, round: number, signal?: AbortSignal): Promise<TrainedUpdate> {
    const split = this.split(config);
    const seed = roundSeed(config, this.hospitalId, round);
    const trained = await fitRound(this.backend, config, model, split, { round, seed, ...(signal && { signal }) });
    const update = trained.parameters.map((value, k) => value - (model[k] as number));
    return { update, examples: split.train.labels.length, loss: trained.loss };
  }

  evaluate(config: RunConfig, model: Float32Array): Promise<Scores | undefined> {
    const { validation, test } = this.split(config);
    const part = validation.labels.length > 0 ? 'validation' : 'test';
    const held = part === 'validation' ? validation : test;
    const { examples, loss, accuracy, balancedAccuracy, auc } = scoreHead(config, model, held);
    if (loss === null || accuracy === null || balancedAccuracy === null) return Promise.resolve(undefined);
    return Promise.resolve({ part, examples, loss, accuracy, balancedAccuracy, auc });
  }

  get backend(): HeadBackend {
    if (this.#backend === undefined) throw new Error('the learner is not prepared');
    return this.#backend;
  }

  get data(): LocalData {
    if (this.#data === undefined) throw new Error('the learner is not prepared');
    return this.#data;
  }

  split(config: RunConfig): Split {
    return (this.#split ??= splitFor(config.study.labels, this.data, this.config));
  }
}
