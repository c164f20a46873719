/** `consilium-hospital release ...` and `predict`: a model out, and what it says about an image. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Prediction } from '../release/prediction.js';
import { formatOption, homeOption, say, type Common } from './options.js';

interface ExportOptions extends Common {
  readonly run: string;
  readonly out?: string;
  readonly results: readonly string[];
}

interface PredictOptions extends Pick<Common, 'format'> {
  readonly release: string;
  readonly out?: string;
  readonly threads: number;
}

function threadCount(text: string): number {
  const threads = Number(text);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return threads;
  throw new InvalidArgumentError('an integer from 1 to 256 is needed.');
}

/** A file name must not move a terminal's cursor. */
const visible = (name: string): string => (/\p{Cc}/u.test(name) ? JSON.stringify(name) : name);

function lineOf(prediction: Prediction): string {
  const file = visible(prediction.file);
  if (prediction.status === 'quarantined') return `${file}: quarantined, ${prediction.reason}`;
  const { label, probabilities } = prediction;
  const shares = Object.entries(probabilities).map(([name, p]) => `${name} ${p.toFixed(3)}`);
  return `${file}: ${label}  (${shares.join(', ')})`;
}

const PROGRESS_EVERY = 50;

export function addReleaseCommands(program: Command): void {
  const release = program.command('release').description('the trained model, for other programs');
  release
    .command('export')
    .description('write the model of a finished run: ONNX, TensorFlow.js, safetensors, model card')
    .option(...homeOption)
    .requiredOption('--run <id>', 'the run')
    .option('--out <folder>', 'where to write (default: releases/RUN in the home folder)')
    .option('--results <files...>', 'results files of other hospitals, for the model card', [])
    .addOption(formatOption())
    .action(async (options: ExportOptions) => {
      const { exportRelease } = await import('../release/export.js');
      const receipt = await exportRelease(options);
      const difference = receipt.largestDifference.toExponential(1);
      const lines = [
        `release ${receipt.folder}`,
        `results of ${receipt.hospitals.join(', ')}`,
        `largest difference from this program's own probabilities ${difference}`,
      ];
      say(options, receipt, lines.join('\n'));
    });
  program
    .command('predict')
    .description('class probabilities for a file or a folder, by a release; nothing leaves')
    .argument('<path>', 'a DICOM, PNG, JPEG or TIFF file, or a folder')
    .requiredOption('--release <folder>', 'a folder of release export')
    .option('--out <folder>', 'write predictions.csv, index.html and heat maps there')
    .option('--threads <n>', 'processor threads', threadCount, 2)
    .addOption(formatOption())
    .action(predict);
}

async function predict(path: string, options: PredictOptions): Promise<void> {
  const { predictFiles } = await import('../commands/predict.js');
  const isJson = options.format === 'json';
  const result = await predictFiles({ path, ...options }, (prediction, done, total) => {
    if (!isJson) process.stdout.write(`${lineOf(prediction)}\n`);
    if (done % PROGRESS_EVERY === 0 && done < total) process.stderr.write(`${done}/${total}\n`);
  });
  const { predictions, isFolder, folder } = result;
  if (isJson) {
    process.stdout.write(`${JSON.stringify(isFolder ? predictions : predictions[0])}\n`);
    return;
  }
  for (const note of new Set(predictions.map(({ note }) => note))) process.stdout.write(`${note}\n`);
  if (folder !== undefined) process.stdout.write(`pictures and table ${folder}\n`);
}
