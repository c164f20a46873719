/** `run`: what an operator does with runs. Without a command it leads one run from a file to its end. */
import type { Command } from 'commander';
import { z } from 'zod';
import { collusionLine, eventPage, runDetail, runSummary, type EventPage } from '@consilium/operator-api';
import { readRunText } from '../run-file.js';
import { Daemon, type DaemonOptions } from './daemon.js';
import { formatOption, homeOption, say, wholeNumber, type Format } from './output.js';
import { runLines, runTable } from './run-text.js';
import { leadingOptions, leadRun } from './serve.js';

type Options = DaemonOptions & Format;

/** Between two looks at the log of a run that is followed. */
const FOLLOW_MS = 500;
const PAGE = 500;

export function addRunCommands(program: Command): void {
  const run = leadingOptions(
    program
      .command('run')
      .description(
        'lead one run to its end, or take it up where a crash interrupted it; or command a daemon (see serve)',
      )
      .argument('<run-file>', 'YAML file that describes the run'),
  )
    // Options after a command's name are that command's own.
    .enablePositionalOptions()
    .action(leadRun);

  const asking = (name: string, description: string): Command =>
    run
      .command(name)
      .description(description)
      .addOption(homeOption())
      .option('--url <url>', 'address of the daemon (default: the one that serves the home)')
      .option('--token-file <file>', 'token of the operator (default: api-token in the home)')
      .addOption(formatOption());

  asking('start <run-file>', 'begin a run; it goes on when this command has ended').action(
    async (file: string, options: Options) => {
      const text = await readRunText(file);
      const begun = await (await Daemon.find(options)).post('/runs', runDetail, text);
      const { colluders: tolerated } = begun.visible;
      const guarantee = tolerated === null ? [] : [collusionLine({ hospitals: begun.hospitals.length, tolerated })];
      say(options, begun, [`run ${begun.run} has begun; configuration ${begun.configDigest}`, ...guarantee].join('\n'));
    },
  );

  asking('list', 'all runs, newest first').action(async (options: Options) => {
    const runs = await (await Daemon.find(options)).get('/runs', z.array(runSummary));
    if (options.format === 'json') for (const one of runs) say(options, one, '');
    else say(options, runs, runs.length === 0 ? 'no runs yet' : runTable(runs));
  });

  asking('show <run>', 'one run: who is there, the open round, the rounds so far').action(
    async (id: string, options: Options) => {
      const shown = await (await Daemon.find(options)).get(`/runs/${encodeURIComponent(id)}`, runDetail);
      say(options, shown, runLines(shown));
    },
  );

  const decisions = [
    ['pause', 'finish the open round and begin no other'],
    ['resume', 'go on after a pause'],
    ['abort', 'end a run now; its hospitals are told'],
  ] as const;
  for (const [decision, description] of decisions) {
    asking(`${decision} <run>`, description).action(async (id: string, options: Options) => {
      const path = `/runs/${encodeURIComponent(id)}/${decision}`;
      const after = await (await Daemon.find(options)).post(path, runDetail);
      say(options, after, `run ${after.run} is ${after.status}`);
    });
  }

  asking('logs <run>', 'the log of a run, oldest event first')
    .option('--from <seq>', 'first event', wholeNumber, 0)
    .option('--follow', 'go on until the run has ended')
    .action(logs);
}

async function logs(id: string, options: Options & { from: number; follow?: boolean }): Promise<void> {
  const daemon = await Daemon.find(options);
  const path = `/runs/${encodeURIComponent(id)}`;
  for (let from = options.from; ;) {
    // Asked for before the events: what is the end then is the end.
    const { status } = await daemon.get(path, runDetail);
    const { events, next } = await daemon.get(`${path}/events?from=${from}&limit=${PAGE}`, eventPage);
    for (const entry of events) say(options, entry, eventLine(entry));
    from = next;
    if (events.length === PAGE) continue;
    if (options.follow !== true || status === 'finished' || status === 'aborted' || status === 'failed') return;
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
  }
}

function eventLine({ seq, at, event: { type, ...fields } }: EventPage['events'][number]): string {
  const words = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${String(seq).padStart(6)}  ${at}  ${type}${words.join('')}`;
}
