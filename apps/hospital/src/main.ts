/** `consilium-hospital`: the commands of one hospital. Heavy parts are loaded by the commands that need them. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { EXIT_STATUS } from './errors.js';
import { exitStatusOf } from './exit-status.js';
import { initialise, trust } from './home.js';
import { lineOf } from './progress-line.js';

interface Common {
  readonly format: 'text' | 'json';
  readonly home: string;
}

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
    '\nExit status: 0 done, 2 bad configuration, 4 run aborted, 5 data cannot be used, 6 refused by the coordinator,\n7 refused by this hospital, 130 interrupted.',
  );

const format = new Option('--format <format>', 'text, or json: one JSON value per line')
  .choices(['text', 'json'])
  .default('text');
const home = [
  '--home <folder>',
  'folder of this hospital: identity, pinned coordinator, cache, results',
  'hospital',
] as const;

program
  .command('init')
  .description("make this hospital's identity and its enrolment file")
  .argument('<name>', 'name of the hospital: a-z, 0-9 and hyphens')
  .option(...home)
  .option('--card <file>', 'pin the coordinator of this card at once')
  .addOption(format)
  .action(async (name: string, options: Common & { card?: string }) => {
    const made = await initialise(options.home, name);
    say(
      options,
      made,
      `enrolment ${made.file}  (send it to the coordinator)\nfingerprint ${made.fingerprint}  (compare it by phone)`,
    );
    if (options.card !== undefined) await pin(options.card, options);
  });

program
  .command('trust')
  .description('pin the coordinator whose card this is')
  .argument('<card>', 'coordinator-card.json, received by another way than this network')
  .option(...home)
  .addOption(format)
  .action(pin);

async function pin(card: string, options: Common): Promise<void> {
  const pinned = await trust(options.home, card);
  say(options, pinned, `pinned ${pinned.name}\nfingerprint ${pinned.fingerprint}  (compare it by phone)`);
}

program
  .command('start')
  .description('take part in one run')
  .option(...home)
  .option('--config <file>', 'configuration (default: hospital.yaml in the home folder)')
  .addOption(format)
  .action(async (options: Common & { config?: string }) => {
    const { start } = await import('./commands/start.js');
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => process.exit(EXIT_STATUS.INTERRUPTED));
    await start(options.home, options.config ?? join(options.home, 'hospital.yaml'), (step) => {
      const text = lineOf(step);
      if (options.format === 'json' || text !== undefined) say(options, step, text ?? '');
    });
  });

const data = program.command('data').description('look at local data; nothing leaves');
data
  .command('sites')
  .description('list the sites and labels of a folder with a manifest.csv')
  .argument('<folder>')
  .addOption(format)
  .action(async (folder: string, options: Common) => {
    const { listSites } = await import('./commands/sites.js');
    const list = await listSites(folder);
    const lines = list.sites.map(({ site, images, patients }) => `${site}: ${images} images of ${patients} patients`);
    say(options, list, [...lines, `labels: ${list.labels.join(', ')}`].join('\n'));
  });

const backbone = program.command('backbone').description('the frozen network that makes embeddings');
backbone
  .command('show', { isDefault: true })
  .description('name and hash, as a run file asks for them')
  .option('--backbone <file>', 'an imported backbone (default: the seeded, untrained one)')
  .addOption(format)
  .action(async (options: Common & { backbone?: string }) => {
    const { showBackbone } = await import('./commands/backbone.js');
    const card = await showBackbone(options.backbone);
    say(options, card, `${card.name}\nhash ${card.hash}\npreprocessing ${card.preprocessing}`);
  });
backbone
  .command('import')
  .description('complete downloaded ResNet50 weights (safetensors) with feature statistics')
  .argument('<file>', 'safetensors with torchvision names')
  .requiredOption('--out <file>', 'where to write the backbone')
  .option('--threads <n>', 'processor threads', Number, 2)
  .addOption(format)
  .action(async (file: string, options: Common & { out: string; threads: number }) => {
    const { importWeights } = await import('./commands/backbone.js');
    const card = await importWeights(file, options.out, options.threads);
    say(options, card, `${card.name}\nhash ${card.hash}`);
  });

program
  .command('pooled')
  .description('for comparison: train on the data of several hospital folders of this machine together')
  .argument('<homes...>', 'hospital folders that finished the run')
  .requiredOption('--run <id>', 'the run')
  .addOption(format)
  .action(async (homes: string[], options: Common & { run: string }) => {
    const { pooled } = await import('./commands/pooled.js');
    const result = await pooled(homes, options.run);
    say(options, result, JSON.stringify(result, null, 2));
  });

function say({ format }: Pick<Common, 'format'>, value: object, text: string): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(value) : text}\n`);
}

try {
  await program.parseAsync();
  process.exit(0);
} catch (error) {
  const { status, line } = exitStatusOf(error);
  process.stderr.write(`${line}\n`);
  process.exit(status);
}
