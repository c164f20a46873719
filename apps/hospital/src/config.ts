/** hospital.yaml: what this node reads, where it connects, and how much of the machine it may take. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { AUTOMATIC_ENGINES, FORCED_ENGINES } from '@consilium/backbone';
import { HospitalError } from './errors.js';
import { pinSchema } from './network/pin.js';

const hospitalConfigSchema = z.strictObject({
  /** Where the coordinator listens. */
  coordinator: z.url({ protocol: /^https?$/ }),
  /** Certificates in PEM that are trusted for https, instead of the system's; relative to this file. */
  caFile: z.string().min(1).optional(),
  /**
   * Keys of the coordinator's TLS certificate, any of which it may have: the one in use and one in reserve. `none`: any that a
   * trusted authority vouches for, as where the hospital inspects TLS itself. Without effect on `http:`.
   */
  pin: z.union([z.literal('none'), z.array(pinSchema).min(1).max(8)]).optional(),
  /** The page of this hospital, for people on this very machine. */
  page: z
    .union([z.literal('off'), z.strictObject({ port: z.int().min(0).max(65_535).default(0) })])
    .default({ port: 0 }),
  /** Folder with manifest.csv and the images; relative to this file. */
  data: z.string().min(1),
  /** CSV with the labels, by file, SOPInstanceUID or AccessionNumber, where the folder itself has none; relative to this file. */
  labels: z.string().min(1).optional(),
  /** Only rows of this site: for a folder that holds several hospitals. */
  site: z.string().min(1).optional(),
  /** At most so many images, whole patients first come first served in the order of a seeded shuffle. */
  maxImages: z.int().min(1).optional(),
  /** Share of patients held out for testing where the manifest has no split. */
  testShare: z.number().min(0).max(0.9).default(0.3),
  splitSeed: z.string().max(64).default('consilium'),
  /** A file made by `backbone import`; the seeded, untrained backbone without it. */
  backbone: z.string().min(1).optional(),
  /** Folder of the embedding cache; relative to this file. */
  cache: z.string().min(1).default('cache'),
  /** What computes the embeddings; `auto` takes the first that passes its self-test, and `engine list` shows them. */
  engine: z.enum(['auto', ...AUTOMATIC_ENGINES, ...FORCED_ENGINES]).default('auto'),
  threads: z.int().min(1).max(256).default(2),
  /** Trust modes that this hospital takes part in. */
  modes: z
    .array(z.enum(['secagg', 'sealed']))
    .min(1)
    .default(['secagg']),
});

export type HospitalConfig = z.infer<typeof hospitalConfigSchema>;

/** @returns The configuration with absolute folders. @throws {@link HospitalError} `CONFIG_INVALID`, naming the field. */
export async function readHospitalConfig(file: string): Promise<HospitalConfig> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the configuration ${file}`);
  });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    throw new HospitalError('CONFIG_INVALID', `${file} is not YAML`);
  }
  return hospitalConfig(value, dirname(file), file);
}

/** @param value - untrusted. @param folder - what relative paths start from. @param source - for the error. */
export function hospitalConfig(value: unknown, folder: string, source = 'the configuration'): HospitalConfig {
  const parsed = hospitalConfigSchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
    throw new HospitalError('CONFIG_INVALID', `${source}: ${faults.join('; ')}`);
  }
  const here = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  const { caFile, data, labels, cache, backbone, ...rest } = parsed.data;
  return {
    ...rest,
    data: here(data),
    cache: here(cache),
    ...(caFile === undefined ? {} : { caFile: here(caFile) }),
    ...(labels === undefined ? {} : { labels: here(labels) }),
    ...(backbone === undefined ? {} : { backbone: here(backbone) }),
  };
}
