/** `consilium-hospital release ...` and `predict`: a model out, and what it says about an image. */
import type { Command } from 'commander';

export function addReleaseCommands(_program: Command): void {}
