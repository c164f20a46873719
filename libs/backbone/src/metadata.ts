/** What our file of weights says about itself, beside its tensors: the recipe, its hash, and where the weights come from. */
import type { Variant } from './architecture.js';
import type { Recipe, Rgb } from './backbone.js';
import { BackboneError } from './errors.js';
import type { ChannelOrder } from './import/download.js';

const FORMAT = 'consilium/backbone/1';

/** Where weights come from: no part of the hash, since it changes no embedding. */
export interface Provenance {
  readonly kind: string;
  /** Of the file that was imported: what two hospitals compare when their backbones differ. */
  readonly sha256: string;
  /** Of the first kernel as it was; in our file it is RGB. */
  readonly order: ChannelOrder;
}

export interface Description {
  readonly recipe: Recipe;
  readonly variant: Variant;
  /** Both are absent from older files. */
  readonly hash?: string;
  readonly provenance?: Provenance;
}

const invalid = (why: string): BackboneError => new BackboneError('WEIGHTS_INVALID', `the metadata ${why}`);

function positive(text: string): number {
  const value = Number(text);
  if (/^[0-9]/.test(text) && Number.isFinite(value) && value > 0) return value;
  throw invalid('has a number that is not positive');
}

function decimal(text: string): number {
  const value = Number(text);
  if (/^-?[0-9]/.test(text) && Number.isFinite(value)) return value;
  throw invalid('has a number that is not finite');
}

function rgb(text: string, number: (text: string) => number): Rgb {
  const [red, green, blue, ...more] = text.split(',').map(number);
  if (red !== undefined && green !== undefined && blue !== undefined && more.length === 0) return [red, green, blue];
  throw invalid('does not have one number per channel');
}

function oneOf<T extends string>(text: string, values: readonly T[], what: string): T {
  const value = values.find((each) => each === text);
  if (value === undefined) throw invalid(`has an unknown ${what}`);
  return value;
}

/**
 * @returns undefined if the file is not one of ours. All fields or none: a file of ours that lost one is refused.
 * @throws {@link BackboneError} `WEIGHTS_INVALID`.
 */
export function descriptionOf(metadata: ReadonlyMap<string, string>): Description | undefined {
  if (metadata.get('format') !== FORMAT) return undefined;
  const field = (key: string): string => {
    const text = metadata.get(key);
    if (text !== undefined) return text;
    throw invalid(`lacks "${key}"`);
  };
  const hash = metadata.get('hash');
  return {
    variant: oneOf(field('variant'), ['v1', 'v1.5'], 'variant'),
    recipe: {
      name: field('name'),
      trained: oneOf(field('trained'), ['true', 'false'], 'word for trained') === 'true',
      epsilon: positive(field('epsilon')),
      channelMean: rgb(field('channelMean'), decimal),
      channelStdDev: rgb(field('channelStdDev'), positive),
    },
    ...(hash !== undefined && { hash }),
    ...(metadata.has('source.sha256') && {
      provenance: {
        kind: field('source.kind'),
        sha256: field('source.sha256'),
        order: oneOf(field('source.order'), ['rgb', 'bgr'], 'order of colours'),
      },
    }),
  };
}

export const metadataOf = ({ recipe, variant, hash, provenance }: Required<Description>): Map<string, string> =>
  new Map([
    ['format', FORMAT],
    ['name', recipe.name],
    ['trained', String(recipe.trained)],
    ['variant', variant],
    ['epsilon', String(recipe.epsilon)],
    ['channelMean', recipe.channelMean.join(',')],
    ['channelStdDev', recipe.channelStdDev.join(',')],
    ['hash', hash],
    ['source.kind', provenance.kind],
    ['source.sha256', provenance.sha256],
    ['source.order', provenance.order],
  ]);
