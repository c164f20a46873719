/** `consilium-hospital data ...`: what this hospital's own files are worth, before any round. */
import type { Command } from 'commander';
import { formatOption, say, type Common } from './options.js';

export function addDataCommands(program: Command): void {
  const data = program.command('data').description('look at local data; nothing leaves');
  data
    .command('sites')
    .description('list the sites and labels of a folder with a manifest.csv')
    .argument('<folder>')
    .addOption(formatOption())
    .action(async (folder: string, options: Common) => {
      const { listSites } = await import('../commands/sites.js');
      const list = await listSites(folder);
      const lines = list.sites.map(({ site, images, patients }) => `${site}: ${images} images of ${patients} patients`);
      say(options, list, [...lines, `labels: ${list.labels.join(', ')}`].join('\n'));
    });
}
