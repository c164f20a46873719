/** `consilium-hospital backbone ...`: the frozen network of this machine. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatOption, homeOption, say, type Common } from './options.js';

type Rgb = readonly [number, number, number];

interface Stated {
  readonly out?: string;
  readonly variant?: 'v1' | 'v1.5';
  readonly epsilon?: number;
  readonly mean?: Rgb;
  readonly std?: Rgb;
  readonly order?: 'rgb' | 'bgr';
  readonly name?: string;
  readonly threads: number;
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('a number above 0 and at most 1');
}

function rgb(text: string): Rgb {
  const [red, green, blue, ...more] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const values = [red, green, blue];
  // Means of 0..255 are the usual mistake.
  if (more.length > 0 || !values.every((value) => value !== undefined && Math.abs(value) <= 1)) {
    throw new InvalidArgumentError('three numbers for red, green, blue, of pixels in 0..1: 0.485,0.456,0.406');
  }
  return values as unknown as Rgb;
}

function deviations(text: string): Rgb {
  const values = rgb(text);
  if (values.every((value) => value > 0)) return values;
  throw new InvalidArgumentError('three numbers above 0');
}

function threadCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 256) return value;
  throw new InvalidArgumentError('an integer of 1 to 256');
}

const threadsOption = (): Option => new Option('--threads <n>', 'processor threads').argParser(threadCount).default(2);

/** What a file of weights may leave open. */
const withRecipe = (command: Command): Command =>
  command
    .option(...homeOption)
    .option('--out <file>', 'where to write the backbone (default: backbones/HASH.safetensors in the home folder)')
    .addOption(new Option('--variant <variant>', 'where blocks have their stride').choices(['v1', 'v1.5']))
    .option('--epsilon <number>', 'of the batch norms', positive)
    .option('--mean <r,g,b>', 'subtracted from pixels in 0..1', rgb)
    .option('--std <r,g,b>', 'pixels are divided by it', deviations)
    .addOption(new Option('--order <order>', 'colours of the first kernel').choices(['rgb', 'bgr']))
    .option('--name <text>', 'what people call it')
    .addOption(threadsOption());

const recipeOf = ({ variant, epsilon, mean, std, order, name, threads }: Stated) => ({
  threads,
  ...(variant && { variant }),
  ...(epsilon !== undefined && { epsilon }),
  ...(mean && { channelMean: mean }),
  ...(std && { channelStdDev: std }),
  ...(order && { order }),
  ...(name !== undefined && { name }),
});

const targetOf = ({ out, home }: Stated & Common): { out: string } | { home: string } =>
  out === undefined ? { home } : { out };

export function addBackboneCommands(program: Command): void {
  const backbone = program.command('backbone').description('the frozen network that makes embeddings');
  backbone
    .command('show', { isDefault: true })
    .description('name and hash, as a run file asks for them')
    .option('--backbone <file>', 'an imported backbone (default: the seeded, untrained one)')
    .addOption(formatOption())
    .action(async (options: Common & { backbone?: string }) => {
      const { showBackbone } = await import('../commands/backbone.js');
      const card = await showBackbone(options.backbone);
      say(options, card, `${card.name}\nhash ${card.hash}\npreprocessing ${card.preprocessing}`);
    });
  addImport(backbone);
  addFetch(backbone);
  addList(backbone);
  addVerify(backbone);
}

function addImport(backbone: Command): void {
  withRecipe(backbone.command('import'))
    .description('make a backbone of ResNet50 weights: safetensors (torchvision names), Keras .h5 or ONNX')
    .argument('<file>', 'never a pickle (.pt, .pth, .bin)')
    .addOption(formatOption())
    .action(async (file: string, options: Common & Stated) => {
      const { importWeights } = await import('../commands/backbone.js');
      const card = await importWeights(file, targetOf(options), recipeOf(options));
      say(options, card, `${card.name}, ${card.variant}\nhash ${card.hash}\nfile ${card.file}`);
    });
}

function addFetch(backbone: Command): void {
  withRecipe(backbone.command('fetch'))
    .description('fetch published weights, check their hash, and import them; without a name, list what there is')
    .argument('[name]', 'of the catalogue')
    .option('--mirror <url>', 'prefix of the file names (also CONSILIUM_WEIGHTS_MIRROR); HTTPS_PROXY is followed')
    .option('--from <file>', 'a file that was carried in, instead of a connection')
    .addOption(formatOption())
    .action(async (name: string | undefined, options: Common & Stated & { mirror?: string; from?: string }) => {
      const { CATALOGUE, catalogueEntry } = await import('../commands/backbone-catalogue.js');
      if (name === undefined) {
        const lines = CATALOGUE.map((entry) => `${entry.name}: ${entry.note}; ${entry.licence}; file ${entry.file}`);
        say(options, { catalogue: CATALOGUE }, lines.join('\n'));
        return;
      }
      const entry = catalogueEntry(name);
      const { fetchWeights } = await import('../commands/backbone-fetch.js');
      const fetched = await fetchWeights(entry, {
        home: options.home,
        ...(options.mirror !== undefined && { mirror: options.mirror }),
        ...(options.from !== undefined && { from: options.from }),
        ...(await certificatesOf(options.home)),
        environment: process.env,
        onProgress: progressLines(name),
      });
      const { importWeights } = await import('../commands/backbone.js');
      const recipe = { name: `ResNet50, ${entry.name}`, ...recipeOf(options) };
      const card = await importWeights(fetched.file, targetOf(options), recipe);
      const trust = {
        pinned: 'as published',
        remembered: 'the same as at the first time',
        'first-use': 'trusted on first use, since none is published: compare it with another hospital',
      }[fetched.trust];
      const { algorithm, hex } = fetched.digest;
      say(
        options,
        { ...card, trust: fetched.trust, digest: fetched.digest },
        `${card.name}, ${card.variant}\n${algorithm} ${hex}  (${trust})\nhash ${card.hash}\nfile ${card.file}`,
      );
    });
}

/** The way out is that of hospital.yaml, where there is one; the coordinator's pin is no business of others. */
async function certificatesOf(home: string): Promise<{ readonly ca?: string }> {
  const file = join(home, 'hospital.yaml');
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return {};
  const [{ readHospitalConfig }, { wayOutOf }] = await Promise.all([
    import('../config.js'),
    import('../network/configured.js'),
  ]);
  const { ca } = await wayOutOf(await readHospitalConfig(file));
  return ca === undefined ? {} : { ca };
}

/** One line for each tenth, on standard error: standard output is the result. */
function progressLines(name: string): (done: number, total: number | undefined) => void {
  let tenth = -1;
  return (done, total) => {
    const reached = total === undefined ? Math.floor(done / 10_000_000) : Math.floor((10 * done) / total);
    if (reached === tenth) return;
    tenth = reached;
    const of = total === undefined ? '' : ` of ${(total / 1e6).toFixed(0)}`;
    process.stderr.write(`${name} ${(done / 1e6).toFixed(0)}${of} MB\n`);
  };
}

function addList(backbone: Command): void {
  backbone
    .command('list')
    .description('the backbones of the home folder')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { listBackbones } = await import('../commands/backbone.js');
      const list = await listBackbones(options.home);
      const lines = list.map((item) =>
        'fault' in item
          ? `${item.fault}  ${item.file}`
          : `${item.hash.slice(0, 12)}  ${item.variant}  ${item.trained ? 'trained' : 'UNTRAINED'}  ${item.name}  ${item.file}`,
      );
      say(
        options,
        { backbones: list },
        lines.length === 0 ? 'none yet: backbone import, or backbone fetch' : lines.join('\n'),
      );
    });
}

function addVerify(backbone: Command): void {
  backbone
    .command('verify')
    .description('hash, finite weights, and the features of a built-in picture against those of the import')
    .argument('<file>', 'an imported backbone')
    .addOption(threadsOption())
    .addOption(formatOption())
    .action(async (file: string, options: Common & { threads: number }) => {
      const { verifyFile } = await import('../commands/backbone.js');
      const { card, fault } = await verifyFile(file, options.threads);
      const error = card.relativeError === undefined ? '' : `, relative error ${card.relativeError.toExponential(1)}`;
      const old = [card.hashCheck, card.selfCheck].includes('absent')
        ? '\nan older file: import it again to add what is absent'
        : '';
      say(
        options,
        card,
        `${card.name}, ${card.variant}\nhash ${card.hash}: ${card.hashCheck}\nself-check: ${card.selfCheck}${error}${old}`,
      );
      if (fault !== undefined) throw fault;
    });
}
