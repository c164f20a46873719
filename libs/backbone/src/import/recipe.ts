/** What the file says, what its user says, and what its kind means by custom, in this order. */
import type { Variant } from '../architecture.js';
import type { Recipe } from '../backbone.js';
import { BackboneError } from '../errors.js';
import type { ChannelOrder, Download, Statement } from './download.js';

export interface ChosenRecipe {
  readonly recipe: Recipe;
  readonly variant: Variant;
  readonly order: ChannelOrder;
}

/** @throws {@link BackboneError} `RECIPE_CONFLICT` if `options` contradicts what the file itself says. */
export function chosenRecipe({ assumed, stated }: Download, options: Partial<Recipe & Statement>): ChosenRecipe {
  for (const key of ['variant', 'epsilon', 'order'] as const) {
    const [said, chosen] = [stated[key], options[key]];
    if (said !== undefined && chosen !== undefined && said !== chosen) {
      throw new BackboneError('RECIPE_CONFLICT', `the file itself says ${key} ${said}, not ${chosen}`);
    }
  }
  const { variant, order, ...recipe } = { ...assumed, ...options };
  return { variant, order, recipe };
}
