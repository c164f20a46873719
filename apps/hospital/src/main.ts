/** `consilium-hospital`: the commands of one hospital. Heavy parts are loaded by the commands that need them. */
import { join } from 'node:path';
import { Command } from 'commander';
import { addBackboneCommands } from './cli/backbone.js';
import { addControlCommands } from './cli/control.js';
import { addDataCommands } from './cli/data.js';
import { addEgressCommands } from './cli/egress.js';
import { addEngineCommands } from './cli/engine.js';
import { addMembershipCommands, passphraseOption } from './cli/membership.js';
import { addPolicyCommands } from './cli/policy.js';
import { formatOption, homeOption, say, type Common } from './cli/options.js';
import { addReleaseCommands } from './cli/release.js';
import { EXIT_STATUS } from './errors.js';
import { exitStatusOf } from './exit-status.js';
import { tuneHeap } from './heap.js';
import { PASSPHRASE_FILE } from './membership/passphrase.js';
import { lineOf } from './progress-line.js';

tuneHeap();
const program = new Command('consilium-hospital')
  .description('A hospital node: reads X-rays on this machine, trains, and sends encrypted weight deltas only.')
  .showHelpAfterError('(--help lists commands and options)')
  .configureOutput({
    outputError: (text, write) => {
      write(text.replace(/^error:/, 'BAD_OPTION:'));
    },
  })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_STATUS.BAD_OPTION))
  .addHelpText(
    'after',
    '\nExit status: 0 done, 2 bad configuration, 4 run aborted, 5 data cannot be used, 6 refused by the coordinator, or no way to it,\n7 refused by this hospital, 8 stopped by a person of this hospital, 130 interrupted.',
  );

// Every command that opens a key finds it where services put it as well.
program.hook('preAction', (_, action) => {
  const { passphraseFile } = action.opts<{ passphraseFile?: string }>();
  if (passphraseFile !== undefined) process.env[PASSPHRASE_FILE] = passphraseFile;
});

program
  .command('start')
  .description('take part in one run, or with --stay in one after another')
  .option(...homeOption)
  .addOption(passphraseOption())
  .option('--config <file>', 'configuration (default: hospital.yaml in the home folder)')
  .option('--service', 'started by the machine: not while a person has stopped this hospital (exit status 8)')
  .option('--stay', 'wait for the next run when one has ended')
  .addOption(formatOption())
  .action(async (options: Common & { config?: string; service?: true; stay?: true }) => {
    const { start } = await import('./commands/start.js');
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => process.exit(EXIT_STATUS.INTERRUPTED));
    const configFile = options.config ?? join(options.home, 'hospital.yaml');
    await start(
      options.home,
      { configFile, isService: options.service === true, stays: options.stay === true },
      (step) => {
        const text = lineOf(step);
        if (options.format === 'json' || text !== undefined) say(options, step, text ?? '');
      },
    );
  });

addMembershipCommands(program);
addDataCommands(program);
addBackboneCommands(program);
addEngineCommands(program);
addPolicyCommands(program);
addEgressCommands(program);
addControlCommands(program);
addReleaseCommands(program);

program
  .command('pooled')
  .description('for comparison: train on the data of several hospital folders of this machine together')
  .argument('<homes...>', 'hospital folders that finished the run')
  .requiredOption('--run <id>', 'the run')
  .addOption(formatOption())
  .action(async (homes: string[], options: Common & { run: string }) => {
    const { pooled } = await import('./commands/pooled.js');
    const result = await pooled(homes, options.run);
    say(options, result, JSON.stringify(result, null, 2));
  });

try {
  await program.parseAsync();
  process.exit(0);
} catch (error) {
  const { status, line } = exitStatusOf(error);
  process.stderr.write(`${line}\n`);
  process.exit(status);
}
