/** `init` and `enrol`: who this coordinator is, and which hospitals it knows. */
import type { Command } from 'commander';
import { loadOrCreateToken } from '../api/token.js';
import { enrol, openHome, reopenHome, writeCard } from '../home.js';
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

  program
    .command('enrol')
    .description('accept the enrolment files of hospitals')
    .argument('<files...>', 'enrolment.json of each hospital')
    .addOption(homeOption())
    .addOption(formatOption())
    .action(async (files: string[], options: { home: string } & Format) => {
      const opened = await reopenHome(options.home);
      for (const file of files) {
        const hospital = await enrol(opened, file);
        say(
          options,
          hospital,
          `enrolled ${hospital.hospitalId}\nfingerprint ${hospital.fingerprint}  (compare it by phone)`,
        );
      }
    });
}
