/** `consilium-hospital backbone ...`: the frozen network of this machine. */
import type { Command } from 'commander';
import { formatOption, say, type Common } from './options.js';

export function addBackboneCommands(program: Command): void {
  const backbone = program.command('backbone').description('the frozen network that makes embeddings');
  backbone
    .command('show', { isDefault: true })
    .description('name and hash, as a run file asks for them')
    .option('--backbone <file>', 'an imported backbone (default: the seeded, untrained one)')
    .addOption(formatOption())
    .action(async (options: Common & { backbone?: string }) => {
      const { showBackbone } = await import('../commands/backbone.js');
      const card = await showBackbone(options.backbone);
      say(options, card, `${card.name}\nhash ${card.hash}\npreprocessing ${card.preprocessing}`);
    });
  backbone
    .command('import')
    .description('complete downloaded ResNet50 weights (safetensors) with feature statistics')
    .argument('<file>', 'safetensors with torchvision names')
    .requiredOption('--out <file>', 'where to write the backbone')
    .option('--threads <n>', 'processor threads', Number, 2)
    .addOption(formatOption())
    .action(async (file: string, options: Common & { out: string; threads: number }) => {
      const { importWeights } = await import('../commands/backbone.js');
      const card = await importWeights(file, options.out, options.threads);
      say(options, card, `${card.name}\nhash ${card.hash}`);
    });
}
