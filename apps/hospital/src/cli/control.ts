/** `stop`, `pause`, `resume`, `status`, `logs` and `leave`: what a person here wants of the node. No coordinator is asked. */
import { Option, type Command } from 'commander';
import { HospitalError } from '../errors.js';
import { lineCount } from './egress.js';
import { formatOption, homeOption, say, type Common } from './options.js';

const ENDED = {
  'not-running': 'no node is running; none starts by itself until consilium-hospital start',
  ended: 'stopped; it stays stopped until consilium-hospital start',
  killed: 'it did not end by itself and was killed; it stays stopped until consilium-hospital start',
  'ends-after-this-round': 'it stops after this round; stop --now ends it at once',
} as const;

export function addControlCommands(program: Command): void {
  program
    .command('stop')
    .description('stop the node, and keep it stopped, also after a reboot, until start')
    .option(...homeOption)
    .option('--now', 'at once: training ends within a second, and an unsent update is erased')
    .addOption(formatOption())
    .action(async (options: Common & { readonly now?: true }) => {
      const { stopNode } = await import('../control/stop.js');
      const ending = await stopNode(options.home, options.now === true);
      say(options, { ending }, ENDED[ending]);
    });
  program
    .command('pause')
    .description('finish the round, then answer no plan until resume')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { wish } = await import('../control/standing.js');
      await wish(options.home, 'paused');
      say(options, { paused: true }, 'paused: the round that is under way is finished, others are declined');
    });
  program
    .command('resume')
    .description('end a pause')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { unwish } = await import('../control/standing.js');
      await unwish(options.home, 'paused');
      say(options, { paused: false }, 'not paused: the next plan is answered');
    });
  program
    .command('status')
    .description('what the node is doing')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { statusOf, statusText } = await import('../commands/status.js');
      const status = await statusOf(options.home);
      say(options, status, statusText(status));
    });
  program
    .command('logs')
    .description('the last lines of hospital.log; they never leave')
    .option(...homeOption)
    .addOption(new Option('-n, --lines <n>', 'how many').argParser(lineCount).default(50))
    .option('-f, --follow', 'and those that come')
    .action(async (options: Common & { readonly lines: number; readonly follow?: true }) => {
      const { logLines } = await import('../control/log-lines.js');
      for await (const line of logLines(options.home, options.lines, options.follow === true)) {
        process.stdout.write(`${line}\n`);
      }
    });
  program
    .command('leave')
    .description('remove keys, caches and what is remembered of runs, and print what was removed')
    .option(...homeOption)
    .option('--all', 'results, log, journal, policy and configuration too')
    .option('--yes', 'really')
    .addOption(formatOption())
    .action(async (options: Common & { readonly all?: true; readonly yes?: true }) => {
      if (options.yes !== true) {
        throw new HospitalError(
          'NEEDS_YES',
          'this cannot be undone, the identity is lost: consilium-hospital revoke ends the membership first; then repeat it with --yes',
        );
      }
      const { leave, leaveText } = await import('../control/leave.js');
      const report = await leave(options.home, options.all === true);
      say(options, report, leaveText(report));
    });
}
