/** A release folder -> a model that answers. Everything in the folder may be wrong, or meant to be. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BackboneError, openReleasedModel, type ReleasedModel } from '@consilium/backbone';
import { IMAGE_SIDE, PREPROCESSING_VERSION } from '@consilium/imaging';
import { modelCardSchema, RELEASE_FORMAT, type ModelCard } from './card.js';
import { HospitalError } from '../errors.js';
import { readHead } from './head-file.js';
import type { HeadModel } from './heat-map.js';
import { SUMS } from './new-folder.js';

export interface OpenedRelease {
  readonly card: ModelCard;
  readonly head: HeadModel;
  readonly model: ReleasedModel;
}

/** The largest ResNet50 with the largest head that a plan can ask for. */
const MODEL_BYTES_MAX = 1024 * 1024 * 1024;
const TEXT_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 1_000;

const damaged = (why: string, cause?: unknown): HospitalError => new HospitalError('RELEASE_DAMAGED', why, { cause });

/** `hash  name`; names are of our own making: one folder at most, no `..`, nothing that a terminal would act on. */
const LINE = /^([0-9a-f]{64}) [ *]((?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,99})$/;

function parseSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n').filter((entry) => entry !== '')) {
    const [, hash, name] = LINE.exec(line) ?? [];
    if (hash === undefined || name === undefined) throw damaged(`${SUMS} has a line that is no sum of a file here`);
    if (sums.has(name) || sums.size === FILES_MAX) throw damaged(`${SUMS} names a file twice, or too many`);
    sums.set(name, hash);
  }
  return sums;
}

/** @returns all of the file; a link, a pipe or a folder is no file of a release. */
async function readFileOf(root: string, name: string, bytesMax: number): Promise<Buffer> {
  const path = join(root, ...name.split('/'));
  try {
    if (!(await realpath(path)).startsWith(root + sep)) throw damaged(`${name} leads out of the release`);
    // NOFOLLOW: not swapped for a link after the check. NONBLOCK: opening a pipe does not wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) throw damaged(`${name} is not a file`);
      if (status.size > bytesMax) throw damaged(`${name} has more than ${bytesMax} bytes`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof HospitalError) throw cause;
    throw damaged(`${name} is missing or cannot be read`, cause);
  }
}

interface ReleaseFiles {
  readonly card: Buffer;
  readonly head: Buffer;
  readonly model: Buffer;
}

/** The bytes that are returned are the bytes that were hashed: nothing is read twice. */
async function readChecked(folder: string): Promise<ReleaseFiles> {
  const root = await realpath(folder).catch(() => undefined);
  const there = root === undefined ? undefined : await lstat(join(root, SUMS)).catch(() => undefined);
  if (root === undefined || there === undefined) {
    throw new HospitalError('RELEASE_MISSING', `${folder} holds no release: there is no ${SUMS} in it`);
  }
  const sums = parseSums((await readFileOf(root, SUMS, TEXT_BYTES_MAX)).toString('utf8'));
  const used = new Map<string, Buffer>();
  for (const [name, hash] of sums) {
    const isText = name.endsWith('.json') || name.endsWith('.md');
    const bytes = await readFileOf(root, name, isText ? TEXT_BYTES_MAX : MODEL_BYTES_MAX);
    if (createHash('sha256').update(bytes).digest('hex') !== hash) throw damaged(`${name} is not what ${SUMS} says`);
    // Shards for browsers are checked and let go.
    if (!name.includes('/')) used.set(name, bytes);
  }
  const take = (name: string): Buffer => {
    const bytes = used.get(name);
    if (bytes === undefined) throw damaged(`${SUMS} does not name ${name}`);
    return bytes;
  };
  return { card: take('model-card.json'), head: take('head.safetensors'), model: take('model.onnx') };
}

function parseCard(bytes: Buffer): ModelCard {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw damaged('model-card.json is not JSON', cause);
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format !== RELEASE_FORMAT) {
    const what = typeof format === 'string' ? JSON.stringify(format.slice(0, 64)) : 'of no known format';
    throw new HospitalError('RELEASE_INCOMPATIBLE', `the release is ${what}, this program reads ${RELEASE_FORMAT}`);
  }
  const parsed = modelCardSchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw damaged(`model-card.json: ${faults.join('; ')}`);
  }
  return parsed.data;
}

function checkCard({ study, head, backbone, preprocessing }: ModelCard): void {
  if (preprocessing !== PREPROCESSING_VERSION) {
    throw new HospitalError(
      'RELEASE_INCOMPATIBLE',
      `the release takes images prepared as ${JSON.stringify(preprocessing)}, this program prepares them as ${PREPROCESSING_VERSION}`,
    );
  }
  if (backbone.side !== IMAGE_SIDE) {
    throw new HospitalError(
      'RELEASE_INCOMPATIBLE',
      `the release takes images of ${backbone.side} pixels, not ${IMAGE_SIDE}`,
    );
  }
  if (study.labels.length !== head.classes || backbone.featureLength !== head.inputs) {
    throw damaged('model-card.json: labels, head and backbone do not fit each other');
  }
}

/**
 * @param folder - of `release export`; from elsewhere, so every sum, shape and version is checked before anything runs.
 * @throws {@link HospitalError} `RELEASE_MISSING`, `RELEASE_DAMAGED` or `RELEASE_INCOMPATIBLE`.
 */
export async function openRelease(folder: string, threads: number): Promise<OpenedRelease> {
  const files = await readChecked(folder);
  const card = parseCard(files.card);
  checkCard(card);
  const head = readHead(files.head, card.head);
  const { side, featureLength } = card.backbone;
  const shape = { side, featureLength, classes: card.head.classes };
  const model = await openReleasedModel(files.model, shape, { threads }).catch((cause: unknown) => {
    if (!(cause instanceof BackboneError) || cause.code === 'ENGINE_UNAVAILABLE') throw cause;
    throw damaged(`model.onnx: ${cause.message}`, cause);
  });
  return { card, head, model };
}
