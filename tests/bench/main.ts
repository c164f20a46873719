/**
 * `npm run bench -- NAME [options]`: figures, never a pass or a failure. Each prints a table, or one JSON line with
 * `--format json`.
 *
 *     round-overhead --hospitals N --parameters D --rounds R --mode M   a round whose training step does nothing
 *     coordinator-memory --hospitals N --parameters D           peak memory of the coordinator in a round
 *     connections --hospitals N                                 what idle hospitals cost, and a storm of reconnections
 *     secagg --hospitals N --parameters D --drop S              a whole secure aggregation in one process, CPU seconds
 *     embeddings --images N                                     X-rays per second from files, and inference alone
 *     inference [--python PATH]                                 the network alone, beside Python's ONNX Runtime
 *     head-training                                             seconds of an epoch for each kind of head
 *     gate --data FOLDER                                        what the quality gate refuses of real films
 *     store, recovery                                           events per second, and reading a history back
 *     console                                                   how fast the console answers, with 200 hospitals and 10,000 events
 *     cold-start                                                from the command to the first averaged round
 *
 * Each is loaded alone: what the others need would count in the memory and in the collections of this one.
 */
import { Command, Option } from 'commander';
import { figuresText } from './figures.js';
import type { OverheadOptions } from './round-overhead.js';

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`expected a positive whole number, not ${text}`);
  return value;
};
const say = (figures: object): void => {
  process.stdout.write(figuresText(figures, program.opts<{ format: 'json' | 'table' }>().format));
};

const program = new Command('npm run bench --')
  .description('Measures, and prints a table or a JSON line for each figure.')
  .addOption(
    new Option('--format <format>', 'table, or json: one line for each').choices(['table', 'json']).default('table'),
  );
program
  .command('round-overhead')
  .description('seconds of a round with a no-op training step, real processes over loopback')
  .option('--hospitals <n>', 'hospital processes', count, 2)
  .option('--parameters <d>', 'float32 parameters of the head, a multiple of 1,000', count, 1_000_000)
  .option('--rounds <n>', 'rounds; the first two warm up', count, 32)
  .addOption(
    new Option('--mode <mode>', 'trust mode; secagg needs three hospitals')
      .choices(['sealed', 'secagg'])
      .default('sealed'),
  )
  .action(async (options: OverheadOptions) => {
    const { roundOverhead } = await import('./round-overhead.js');
    say(await roundOverhead(options));
  });
program
  .command('coordinator-memory')
  .description('peak memory of the coordinator, with all hospitals played by one process')
  .option('--hospitals <n>', 'hospitals of the round', count, 10)
  .option('--parameters <d>', 'float32 parameters of the head, a multiple of 1,000', count, 1_000_000)
  .action(async (options: { hospitals: number; parameters: number }) => {
    const { coordinatorMemory } = await import('./coordinator-memory.js');
    say(await coordinatorMemory(options));
  });
program
  .command('connections')
  .description('memory of idle hospitals, the answer times among them, and how long a storm of reconnections lasts')
  .option('--hospitals <n>', 'hospitals that are connected', count, 1_000)
  .action(async (options: { hospitals: number }) => {
    const { connections } = await import('./connections.js');
    say(await connections(options));
  });
program
  .command('secagg')
  .description('CPU seconds of a whole secure aggregation, keys, shares and encryption included')
  .option('--hospitals <n>', 'hospitals of the cohort', count, 100)
  .option('--parameters <d>', 'parameters of the head', count, 1_000_000)
  .option('--drop <share>', 'share of hospitals that drop out after masking', Number, 0.1)
  .action(async (options: { hospitals: number; parameters: number; drop: number }) => {
    const { secureAggregation } = await import('./secagg.js');
    say(secureAggregation(options));
  });
program
  .command('embeddings')
  .description('embeddings per second end to end from files, and of inference alone')
  .option('--images <n>', 'synthetic X-rays', count, 120)
  .action(async ({ images }: { images: number }) => {
    const { embeddings } = await import('./embeddings.js');
    say(await embeddings(images));
  });
program
  .command('inference')
  .description('images per second of the backbone alone')
  .option('--images <n>', 'images of one turn', count, 20)
  .option('--threads <n>', 'threads of one image', count, 2)
  .option('--python <path>', 'a Python with onnxruntime and numpy, measured in turns with ours')
  .action(async (options: { images: number; threads: number; python?: string }) => {
    const { inference } = await import('./inference.js');
    say(await inference(options));
  });
program
  .command('head-training')
  .description('milliseconds of an epoch over 2,048 numbers a film, batches of 32')
  .option('--examples <n>', 'films', count, 1_000)
  .option('--epochs <n>', 'epochs', count, 10)
  .action(async ({ examples, epochs }: { examples: number; epochs: number }) => {
    const { headTraining } = await import('./head-training.js');
    say(await headTraining(examples, epochs));
  });
program
  .command('gate')
  .description('precision and recall of the quality gate on collections of real films')
  .requiredOption('--data <folder>', 'folder of cxr-dev and cxr-odd')
  .action(async ({ data }: { data: string }) => {
    const { gate } = await import('./gate.js');
    say(await gate(data));
  });
program
  .command('store')
  .description('events and blob bytes per second of each store, beside the flushes of the disk')
  .action(async () => {
    const { storeThroughput } = await import('./store.js');
    for (const figures of await storeThroughput()) say(figures);
  });
program
  .command('recovery')
  .description('seconds to read a history back, by its length')
  .action(async () => {
    const { recovery } = await import('./recovery.js');
    for (const figures of await recovery()) say(figures);
  });
program
  .command('console')
  .description('milliseconds from a click or a key to the painted answer, with 200 hospitals and 10,000 events')
  .action(async () => {
    const { consoleResponse } = await import('./console.js');
    for (const figures of await consoleResponse()) say(figures);
  });
program
  .command('cold-start')
  .description('seconds from starting the demonstration to its first averaged round')
  .action(async () => {
    const { coldStart } = await import('./cold-start.js');
    say(await coldStart());
  });
program
  .command('all', { isDefault: true })
  .description('round overhead, embeddings and cold start')
  .action(async () => {
    const { coldStart } = await import('./cold-start.js');
    const { embeddings } = await import('./embeddings.js');
    const { roundOverhead } = await import('./round-overhead.js');
    for (const hospitals of [2, 10])
      say(await roundOverhead({ hospitals, parameters: 1_000_000, rounds: 32, mode: 'sealed' }));
    say(await embeddings(120));
    say(await coldStart());
  });
await program.parseAsync();
process.exit(0);
