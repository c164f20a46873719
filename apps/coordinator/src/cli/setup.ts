/** `init`: who this coordinator is. */
import type { Command } from 'commander';
import { loadOrCreateToken } from '../api/token.js';
import { openHome, writeCard } from '../home.js';
import { formatOption, homeOption, say, type Format } from './output.js';

export function addSetupCommands(program: Command): void {
  program
    .command('init')
    .description('make the key, the card that hospitals pin, and the token of the operator')
    .addOption(homeOption())
    .option('--name <name>', 'name that hospitals see', 'Consilium coordinator')
    .addOption(formatOption())
    .action(async (options: { home: string; name: string } & Format) => {
      const card = await writeCard(await openHome(options.home), options.name);
      await loadOrCreateToken(options.home);
      say(options, card, `card ${card.file}\nfingerprint ${card.fingerprint}  (hospitals compare it by phone)`);
    });
}
