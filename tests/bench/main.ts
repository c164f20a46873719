/**
 * `npm run bench -- NAME [options]`: figures, never a pass or a failure. Each prints one JSON line.
 *
 *     round-overhead --hospitals N --parameters D --rounds R    a round whose training step does nothing
 *     embeddings --images N                                     X-rays per second from files, and inference alone
 *     cold-start                                                from the command to the first averaged round
 */
import { Command } from 'commander';
import { coldStart } from './cold-start.js';
import { embeddings } from './embeddings.js';
import { roundOverhead } from './round-overhead.js';

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`expected a positive whole number, not ${text}`);
  return value;
};
const say = (figures: object): void => {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
};

const program = new Command('npm run bench --').description('Measures, and prints one JSON line for each figure.');
program
  .command('round-overhead')
  .description('seconds of a round with a no-op training step, real processes over loopback')
  .option('--hospitals <n>', 'hospital processes', count, 2)
  .option('--parameters <d>', 'float32 parameters of the head, a multiple of 1,000', count, 1_000_000)
  .option('--rounds <n>', 'rounds; the first two warm up', count, 32)
  .action(async (options: { hospitals: number; parameters: number; rounds: number }) => {
    say(await roundOverhead(options));
  });
program
  .command('embeddings')
  .description('embeddings per second end to end from files, and of inference alone')
  .option('--images <n>', 'synthetic X-rays', count, 120)
  .action(async ({ images }: { images: number }) => {
    say(await embeddings(images));
  });
program
  .command('cold-start')
  .description('seconds from starting the demonstration to its first averaged round')
  .action(async () => {
    say(await coldStart());
  });
program
  .command('all', { isDefault: true })
  .description('everything above')
  .action(async () => {
    for (const hospitals of [2, 10]) say(await roundOverhead({ hospitals, parameters: 1_000_000, rounds: 32 }));
    say(await embeddings(120));
    say(await coldStart());
  });
await program.parseAsync();
process.exit(0);
