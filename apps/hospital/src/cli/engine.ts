/** `consilium-hospital engine ...`, `doctor` and `cache ...`: what this machine can compute with, and what it has computed. */
import { type Command, InvalidArgumentError } from 'commander';
import { formatOption, homeOption, say, type Common } from './options.js';

/** About 800,000 embeddings. */
const CACHE_MAX_GB = 10;

function gigabytes(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('a number of gigabytes, 0 or more');
}

export function addEngineCommands(program: Command): void {
  program
    .command('engine')
    .description('what this machine can compute embeddings with')
    .command('list', { isDefault: true })
    .description('each engine: available, absent or failed, and why')
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { engineText, listEngines } = await import('../commands/engines.js');
      const list = await listEngines();
      say(options, list, engineText(list));
    });
  program
    .command('doctor')
    .description('look for everything that could stop a run here, and say what to do; changes nothing')
    .option(...homeOption)
    .option('--config <file>', 'configuration (default: hospital.yaml in the home folder)')
    .addOption(formatOption())
    .action(async (options: Common & { config?: string }) => {
      const { diagnose, diagnosisText, refuseFailures } = await import('../commands/doctor.js');
      const diagnosis = await diagnose(options.home, options.config);
      say(options, diagnosis, diagnosisText(diagnosis));
      refuseFailures(diagnosis);
    });
  const cache = program.command('cache').description('the cache of embeddings of this hospital');
  cache
    .command('show', { isDefault: true })
    .description('how much is cached')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { showCache, usageText } = await import('../commands/cache.js');
      const usage = await showCache(options.home);
      say(options, usage, usageText(usage));
    });
  cache
    .command('gc')
    .description('remove what was not used for longest until the rest fits; it is computed again when it is needed')
    .option(...homeOption)
    .option('--max-gb <n>', 'gigabytes to keep', gigabytes, CACHE_MAX_GB)
    .addOption(formatOption())
    .action(async (options: Common & { maxGb: number }) => {
      const { collectCache, collectedText } = await import('../commands/cache.js');
      const collected = await collectCache(options.home, options.maxGb);
      say(options, collected, collectedText(collected));
    });
}
