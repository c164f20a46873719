/** `consilium-hospital policy ...`, `approve` and `dry-run`: what this hospital agrees to, before anything is done. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { formatOption, homeOption, say, type Common } from './options.js';

interface ApproveOptions extends Common {
  readonly run?: string;
  readonly hash?: string;
  readonly by: string;
  readonly deny?: true;
  readonly yes?: true;
}

interface DryRunOptions extends Common {
  readonly config?: string;
  readonly out?: string;
  readonly hash?: string;
}

const VERDICTS = {
  given: 'approved: the running node takes part, or the next that is started',
  denied: 'denied: the coordinator learns NOT_APPROVED, and no more',
  awaited: 'noted: the policy asks for another person, who approves with another --by',
} as const;

export function addPolicyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .description('the policy of this hospital (policy.yaml): what no coordinator can weaken');
  policy
    .command('init')
    .description('write a commented policy; as written it asks for trust mode secagg and for a person’s approval')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (options: Common) => {
      const { initPolicy } = await import('../commands/policy.js');
      const made = await initPolicy(options.home);
      say(
        options,
        made,
        `policy ${made.file}\nIt asks for trust mode secagg and for a person's approval; its comments say how to change either.`,
      );
    });
  for (const [name, what] of [
    ['show', 'print the policy as it is understood; sizes in bytes, hours in minutes after midnight'],
    ['check', 'whether the policy can be read; each fault with its line'],
  ] as const) {
    policy
      .command(name)
      .description(what)
      .option(...homeOption)
      .addOption(formatOption())
      .action(async (options: Common) => {
        const { showPolicy } = await import('../commands/policy.js');
        const read = await showPolicy(options.home);
        if (name === 'show') say(options, read, JSON.stringify(read, null, 2));
        else say(options, { ok: true }, 'the policy can be read, and holds');
      });
  }
  program
    .command('approve')
    .description('show a configuration that waits, with what changed, and approve or deny it')
    .option(...homeOption)
    .option('--run <id>', 'the run')
    .option('--hash <hash>', 'the whole hash: an approval for another configuration does nothing')
    .option('--by <name>', 'who approves; for the two-person rule, a different name each', userInfo().username)
    .option('--deny', 'say no instead')
    .option('--yes', 'do not ask; needs --hash')
    .addOption(formatOption())
    .action(approveConfiguration);
  program
    .command('dry-run')
    .description('do a whole round on local data and write the exact bytes that would leave; nothing is sent')
    .option(...homeOption)
    .option('--config <file>', 'configuration (default: hospital.yaml in the home folder)')
    .option('--hash <hash>', 'of a configuration that was received here (default: a usual one is made up)')
    .option('--out <folder>', 'where to write (default: dry-run in the home folder)')
    .addOption(formatOption())
    .action(async (options: DryRunOptions) => {
      const { dryRun, dryRunText } = await import('../commands/dry-run.js');
      const { home, hash, config = join(home, 'hospital.yaml'), out = join(home, 'dry-run') } = options;
      const request = { home, configFile: config, out, ...(hash === undefined ? {} : { hash }) };
      const summary = await dryRun(request, () => undefined);
      say(options, summary, dryRunText(summary));
    });
}

async function approveConfiguration(options: ApproveOptions): Promise<void> {
  const { approve, askOnTerminal } = await import('../commands/policy.js');
  const isText = options.format === 'text';
  const show = (text: string): void => {
    (isText ? process.stdout : process.stderr).write(`${text}\n`);
  };
  const { deny = false, yes = false, ...rest } = options;
  const result = await approve({ ...rest, deny, yes }, show, process.stdin.isTTY ? askOnTerminal : undefined);
  say(options, result, VERDICTS[result.verdict]);
}
