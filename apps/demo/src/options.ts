/** The options of the demonstration, checked before anything is started. */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DemoError } from './errors.js';

export interface DemoOptions {
  /** Folder with manifest.csv and real images; synthetic ones without it. */
  readonly data: string | undefined;
  readonly out: string;
  readonly hospitals: number | undefined;
  readonly images: number | undefined;
  readonly rounds: number;
  readonly epochs: number;
  readonly head: 'linear' | 'mlp';
  readonly mode: 'secagg' | 'sealed';
  readonly seed: string;
  readonly port: number;
  readonly backbone: string | undefined;
  /** The console and the hospitals' pages are kept up afterwards. */
  readonly keep: boolean;
  readonly format: 'text' | 'json';
}

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    }
    return value;
  };

/**
 * Paths are relative to where the user stands: npm changes the working folder and says so in INIT_CWD.
 *
 * @throws {@link DemoError} `BAD_OPTION`. `--help` ends the process.
 */
export function parseOptions(argv: readonly string[], here = process.env['INIT_CWD'] ?? process.cwd()): DemoOptions {
  const command = new Command('npm run demo --')
    .description('One coordinator and several hospitals as real processes on this machine train one model together.')
    .option(
      '--data <dir>',
      'real images: a folder with manifest.csv (image,label,site[,patient,split]); default synthetic',
    )
    .option('--out <dir>', 'folder for everything that is written', 'consilium-demo')
    .option('--hospitals <n>', 'hospitals (default 3; with --data one for each site, or the n largest)', whole(1, 20))
    .option('--images <n>', 'images for each hospital (default 160; with --data all, or at most n)', whole(6, 9_999))
    .option('--rounds <n>', 'rounds of federated averaging', whole(1, 1_000), 5)
    .option('--epochs <n>', 'local epochs in each round', whole(1, 1_000), 2)
    .addOption(
      new Option('--head <kind>', 'what is trained on the embeddings').choices(['linear', 'mlp']).default('linear'),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        "secagg: nobody sees one hospital's update; sealed: the coordinator sees each (the only one for fewer than 3 hospitals)",
      )
        .choices(['secagg', 'sealed'])
        .default('secagg'),
    )
    .option('--seed <text>', 'decides images, splits and initial weights', '1')
    .option('--port <n>', 'port of the coordinator on 127.0.0.1; 0 takes a free one', whole(0, 65_535), 0)
    .option(
      '--keep',
      'print the links to the console and to the pages of the hospitals, and keep them up until Ctrl-C',
      false,
    )
    .option('--backbone <file>', 'ResNet50 weights as safetensors (torchvision names); default seeded and untrained')
    .addOption(
      new Option(
        '--format <format>',
        'text, or json: progress on standard error, the result as the last line of standard output',
      )
        .choices(['text', 'json'])
        .default('text'),
    )
    .configureOutput({ outputError: () => undefined })
    .exitOverride(({ exitCode, message }) => {
      if (exitCode === 0) process.exit(0);
      throw new DemoError('BAD_OPTION', `${message.replace(/^error: /, '')} (--help lists the options)`);
    });
  command.parse([...argv], { from: 'user' });
  const given = command.opts<Omit<DemoOptions, 'out'> & { out: string }>();
  if (given.hospitals !== undefined) requireEnough(given.mode, given.hospitals);
  const path = (value: string | undefined) => (value === undefined ? undefined : resolve(here, value));
  return {
    ...given,
    data: path(given.data),
    backbone: path(given.backbone),
    out: join(resolve(here, given.out)),
    hospitals: given.hospitals,
    images: given.images,
  };
}

/** @throws {@link DemoError} `BAD_OPTION` for fewer hospitals than the trust mode takes. */
export function requireEnough(mode: DemoOptions['mode'], hospitals: number): void {
  if (mode === 'sealed' || hospitals >= 3) return;
  throw new DemoError(
    'BAD_OPTION',
    'secure aggregation needs at least 3 hospitals: with two, each knows the other from the sum (--mode sealed takes fewer)',
  );
}
