/** `consilium-coordinator`: the commands of the consortium's office. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { CoordinatorError, EXIT_STATUS } from './errors.js';
import { exitStatusOf } from './exit-status.js';
import { enrol, enrolledHospitals, openHome, reopenHome, writeCard } from './home.js';
import { readRunFile, runConfig } from './run-file.js';
import { progressLine } from './run/progress.js';
import { openCoordinator } from './server.js';

interface Format {
  readonly format: 'text' | 'json';
}

const program = new Command('consilium-coordinator')
  .description('Leads rounds of federated averaging; never sees an image.')
  .showHelpAfterError('(--help lists commands and options)')
  .configureOutput({
    outputError: (text, write) => {
      write(text.replace(/^error:/, 'BAD_OPTION:'));
    },
  })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_STATUS.BAD_OPTION))
  .addHelpText('after', '\nExit status: 0 done, 2 bad input, 3 port in use, 4 run aborted, 130 interrupted.');

const format = new Option('--format <format>', 'text, or json: one JSON value per line')
  .choices(['text', 'json'])
  .default('text');
const home = ['--home <folder>', 'folder of this coordinator: key, enrolments, models', 'coordinator'] as const;

program
  .command('init')
  .description('make the key and the card that hospitals pin')
  .option(...home)
  .option('--name <name>', 'name that hospitals see', 'Consilium coordinator')
  .addOption(format)
  .action(async (options: { home: string; name: string } & Format) => {
    const card = await writeCard(await openHome(options.home), options.name);
    say(options, card, `card ${card.file}\nfingerprint ${card.fingerprint}  (hospitals compare it by phone)`);
  });

program
  .command('enrol')
  .description('accept the enrolment files of hospitals')
  .argument('<files...>', 'enrolment.json of each hospital')
  .option(...home)
  .addOption(format)
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

program
  .command('run')
  .description('lead one run to its end')
  .argument('<run-file>', 'YAML file that describes the run')
  .option(...home)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <port>', 'port to listen on, 0 for a free one', portNumber, 7_433)
  .addOption(format)
  .action(run);

async function run(runFile: string, options: { home: string; host: string; port: number } & Format): Promise<void> {
  const file = await readRunFile(runFile);
  const opened = await reopenHome(options.home);
  const log = pino(
    { base: { role: 'coordinator' } },
    pino.destination({ dest: join(options.home, 'coordinator.log') }),
  );
  const coordinator = await openCoordinator({
    home: opened,
    config: runConfig(file, await enrolledHospitals(opened)),
    timing: {
      gatherTimeoutMs: Math.round(file.gatherTimeoutSeconds * 1_000),
      absenceGraceMs: Math.round(file.absenceGraceSeconds * 1_000),
    },
    ...{ host: options.host, port: options.port, log },
    progress: (step) => {
      say(options, step, progressLine(step));
    },
  });
  const interruption = { seen: false };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interruption.seen) process.exit(EXIT_STATUS.INTERRUPTED);
      interruption.seen = true;
      coordinator.stop();
    });
  }
  const { outcome, reason } = await coordinator.ended;
  await coordinator.close();
  if (interruption.seen)
    throw new CoordinatorError('INTERRUPTED', 'interrupted; the hospitals were told that the run has ended');
  if (outcome === 'aborted') throw new CoordinatorError('RUN_ABORTED', `the run was aborted: ${reason}`);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('expected 0 to 65535');
  return port;
}

function say({ format }: Format, value: object, text: string): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(value) : text}\n`);
}

try {
  await program.parseAsync();
  // Nothing is left to do; a lingering socket of a hospital must not keep the process.
  process.exit(0);
} catch (error) {
  const { status, line } = exitStatusOf(error);
  process.stderr.write(`${line}\n`);
  process.exit(status);
}
