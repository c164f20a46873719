/** `consilium-hospital data ...`: what this hospital's own files are worth, before any round. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatOption, say, type Common } from './options.js';

interface CheckOptions extends Common {
  readonly labels?: string;
  readonly studyLabels?: readonly string[];
  readonly site?: string;
  readonly report?: string;
  readonly splitSeed: string;
  readonly testShare: number;
}

const list = (text: string): readonly string[] => {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('expected names parted by commas.');
  return items;
};

const fraction = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 0.9)) throw new InvalidArgumentError('expected 0 .. 0.9.');
  return value;
};

/** On a terminal one line that is written over; in a pipe nothing. */
function progress(done: number, total: number): void {
  if (!process.stderr.isTTY || (done % 10 !== 0 && done !== total)) return;
  process.stderr.write(done === total ? '\r\u001b[K' : `\rexamined ${done} of ${total}`);
}

export function addDataCommands(program: Command): void {
  const data = program.command('data').description('look at local data; nothing leaves');
  data
    .command('sites')
    .description('list the sites and labels of a folder with a manifest.csv')
    .argument('<folder>')
    .addOption(formatOption())
    .action(async (folder: string, options: Common) => {
      const { listSites } = await import('../commands/sites.js');
      const list = await listSites(folder);
      const lines = list.sites.map(({ site, images, patients }) => `${site}: ${images} images of ${patients} patients`);
      say(options, list, [...lines, `labels: ${list.labels.join(', ')}`].join('\n'));
    });
  data
    .command('check')
    .description('which images of a folder are usable, which are quarantined, and why')
    .argument('<folder>', 'DICOM, PNG, JPEG or TIFF files with manifest.csv, labels.csv or a folder for each class')
    .option('--labels <file>', 'label table instead of the one in the folder')
    .addOption(new Option('--study-labels <a,b,c>', 'labels of the study; others are quarantined').argParser(list))
    .option('--site <name>', 'only rows of this site')
    .option('--report <file>', 'also write an HTML page with thumbnails; it shows patients')
    .option('--split-seed <text>', 'splitSeed of hospital.yaml', 'consilium')
    .addOption(new Option('--test-share <share>', 'testShare of hospital.yaml').argParser(fraction).default(0.3))
    .addOption(formatOption())
    .action(async (folder: string, options: CheckOptions) => {
      const { check } = await import('../commands/check.js');
      const { result, text } = await check({ ...options, folder }, progress);
      say(options, result, text);
    });
  data
    .command('decode')
    .description('digest of the stored values of one image file, before any window')
    .argument('<file>')
    .addOption(formatOption())
    .action(async (file: string, options: Common) => {
      const { decode } = await import('../commands/decode.js');
      const decoded = await decode(file);
      const { rows, columns, bits, photometric, transferSyntax, sha256 } = decoded;
      const syntax = transferSyntax === null ? '' : `, ${transferSyntax}`;
      say(options, decoded, `${columns} x ${rows}, ${bits} bits, ${photometric}${syntax}\nsha256 ${sha256}`);
    });
}
