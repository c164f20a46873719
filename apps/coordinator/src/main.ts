/** `consilium-coordinator`: the commands of the consortium's office. */
import { Command } from 'commander';
import { addConfigCommands } from './cli/config.js';
import { addMembershipCommands } from './cli/membership.js';
import { addOperatorCommands } from './cli/operators.js';
import { addRunCommands } from './cli/runs.js';
import { leadingOptions, serve } from './cli/serve.js';
import { addSetupCommands } from './cli/setup.js';
import { EXIT_STATUS } from './errors.js';
import { exitStatusOf } from './exit-status.js';

const program = new Command('consilium-coordinator')
  .description('Leads rounds of federated averaging; never sees an image.')
  .showHelpAfterError('(--help lists commands and options)')
  .enablePositionalOptions()
  .configureOutput({
    outputError: (text, write) => {
      write(text.replace(/^error:/, 'BAD_OPTION:'));
    },
  })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_STATUS.BAD_OPTION))
  .addHelpText(
    'after',
    '\nExit status: 0 done, 2 bad input, 3 port or home in use, 4 run aborted, 5 store failed, 6 another coordinator\n' +
      'took over, 7 no daemon answers, 130 interrupted.',
  );

addSetupCommands(program);
addMembershipCommands(program);
addConfigCommands(program);
leadingOptions(program.command('serve').description('lead all runs of the store until a signal; runs are kept')).action(
  serve,
);
addRunCommands(program);
addOperatorCommands(program);

try {
  await program.parseAsync();
  // Nothing is left to do; a lingering socket of a hospital must not keep the process.
  process.exit(0);
} catch (error) {
  const { status, line } = exitStatusOf(error);
  process.stderr.write(`${line}\n`);
  process.exit(status);
}
