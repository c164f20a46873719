/** `consilium-hospital egress ...`: what left this hospital, and whether the journal of it is whole. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Entry } from '../egress/entry.js';
import { HospitalError } from '../errors.js';
import { formatOption, homeOption, say, type Common } from './options.js';

interface ListOptions extends Common {
  readonly run?: string;
  readonly lines?: number;
}

export const lineCount = (text: string): number => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000_000) return count;
  throw new InvalidArgumentError('a number of lines from 1 is needed.');
};

function textOf({ seq, time, type, messages, sizeBytes, sha256, purpose, runId, round }: Entry): string {
  const place = runId === null ? '' : `, ${runId}${round === null ? '' : ` round ${round}`}`;
  const count = messages === 1 ? '' : ` in ${messages} messages`;
  return `${seq} ${time} ${type} ${sizeBytes} bytes${count} sha256 ${sha256.slice(0, 12)} (${purpose}${place})`;
}

async function list(options: ListOptions): Promise<void> {
  const { readJournal } = await import('../egress/read-journal.js');
  const { entries, fault } = await readJournal(options.home);
  const chosen = entries.filter(({ runId }) => options.run === undefined || runId === options.run);
  const shown = options.lines === undefined ? chosen : chosen.slice(-options.lines);
  for (const entry of shown) say(options, entry, textOf(entry));
  if (fault !== undefined) process.stderr.write('the journal is not whole: egress verify says where\n');
}

export function addEgressCommands(program: Command): void {
  const egress = program.command('egress').description('the journal of every message that left this hospital');
  egress
    .command('list')
    .description('all entries')
    .option(...homeOption)
    .option('--run <id>', 'only of this run')
    .addOption(formatOption())
    .action(list);
  egress
    .command('tail')
    .description('the last entries')
    .option(...homeOption)
    .option('--run <id>', 'only of this run')
    .addOption(new Option('-n, --lines <n>', 'how many').argParser(lineCount).default(10))
    .addOption(formatOption())
    .action(list);
  egress
    .command('verify')
    .description('whether a line was removed, altered, added or moved')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { readJournal } = await import('../egress/read-journal.js');
      const { entries, fault } = await readJournal(options.home);
      if (fault !== undefined) {
        const { file, line, what } = fault;
        throw new HospitalError('EGRESS_JOURNAL_BROKEN', `${file} line ${line} ${what}`);
      }
      const bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const messages = entries.reduce((sum, entry) => sum + entry.messages, 0);
      say(
        options,
        { ok: true, entries: entries.length, messages, bytes },
        `whole: ${entries.length} entries, ${messages} messages, ${bytes} bytes`,
      );
    });
}
