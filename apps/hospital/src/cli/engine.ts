/** `consilium-hospital engine ...` and `doctor`: what this machine can compute with. */
import type { Command } from 'commander';

export function addEngineCommands(_program: Command): void {}
