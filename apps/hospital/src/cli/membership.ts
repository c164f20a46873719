/** `join`, `membership`, `verify`, `rotate-key`, `revoke` and `revocation make`: how this hospital belongs to a consortium. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { hows, personSchema, type How } from '@consilium/protocol';
import { HospitalError } from '../errors.js';
import { PASSPHRASE_FILE } from '../membership/passphrase.js';
import type { ShownStanding } from '../membership/record.js';
import { formatOption, homeOption, say, type Common } from './options.js';

const WAIT_FIRST_MS = 2_000;
const WAIT_LONGEST_MS = 30_000;

/** The passphrase itself is never an argument: others see those. */
export const passphraseOption = (): Option =>
  new Option(
    '--passphrase-file <file>',
    'first line: passphrase of the keys (default: none, files with mode 0600)',
  ).env(PASSPHRASE_FILE);

function person(text: string): string {
  if (!personSchema.safeParse(text).success)
    throw new InvalidArgumentError('expected one line of at most 100 characters');
  return text;
}

const command = (program: Command, name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option(...homeOption)
    .addOption(passphraseOption())
    .addOption(formatOption());

export function addMembershipCommands(program: Command): void {
  command(program, 'join', 'join a consortium: makes the keys here, pins the coordinator, uses the invitation up')
    .argument('<invitation>', 'the file that the coordinator sent')
    .option('--ca <file>', 'certificates in PEM to trust for https, instead of the system’s')
    .option('--wait', 'until the coordinator has approved this hospital')
    .action(join);

  command(program, 'membership', 'ask the coordinator how this hospital stands, and show the words').action(
    async (options: Common) => {
      const { membership } = await import('../membership/changes.js');
      await sayStanding(options, await membership(options.home));
    },
  );

  command(program, 'verify', 'say that people here have compared the words of the roster')
    .requiredOption('--compared-by <person>', 'who compared them here', person)
    .addOption(new Option('--how <how>', 'by which way').choices([...hows]).makeOptionMandatory())
    .option('--words <words>', 'the words as the others read them (default: those that were last shown here)')
    .action(async (options: Common & { comparedBy: string; how: How; words?: string }) => {
      const { verify } = await import('../membership/changes.js');
      const { comparedBy, how } = options;
      const words = options.words ?? (process.stdin.isTTY ? await wordsAgreedTo(options.home) : undefined);
      await sayStanding(options, await verify(options.home, { comparedBy, how, words }));
    });

  command(
    program,
    'rotate-key',
    'give this hospital another key; runs under way go on without it, the next one has it',
  ).action(async (options: Common) => {
    const { rotateKey } = await import('../membership/changes.js');
    await sayStanding(options, await rotateKey(options.home));
  });

  command(program, 'revoke', 'leave the consortium for good: this key never counts again')
    .option('--yes', 'really')
    .action(async (options: Common & { yes?: true }) => {
      if (options.yes !== true) {
        throw new HospitalError('NEEDS_YES', 'it takes a new invitation to come back: repeat it with --yes');
      }
      const { revoke } = await import('../membership/changes.js');
      await revoke(options.home);
      say(options, { state: 'revoked' }, 'revoked; consilium-hospital leave removes the keys');
    });

  const revocation = program.command('revocation').description('what ends the membership when the keys are lost');
  command(revocation, 'make', 'write a signed revocation, to be kept offline')
    .requiredOption('--out <file>', 'where to write it')
    .action(async (options: Common & { out: string }) => {
      const changes = await import('../membership/changes.js');
      const envelope = await changes.revocation(options.home);
      await writeFile(options.out, `${JSON.stringify(envelope, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
      const use = 'whoever shows it to the coordinator ends the membership';
      say(options, { file: options.out }, `${options.out}  (${use}: keep it apart from the keys)`);
    });
}

/** What is verified is on the screen when it is. @throws {@link HospitalError} `WORDS_DIFFER`. */
async function wordsAgreedTo(home: string): Promise<string> {
  const { membership } = await import('../membership/changes.js');
  const { askOnTerminal } = await import('../commands/policy.js');
  const { rosterWords, roster } = await membership(home);
  process.stderr.write(`${roster.map(({ hospital, state }) => `${hospital} (${state})`).join(', ')}\n${rosterWords}\n`);
  const answer = await askOnTerminal('Do the coordinator and the other hospitals read the same words? yes or no: ');
  if (answer.trim() === 'yes') return rosterWords;
  throw new HospitalError(
    'WORDS_DIFFER',
    'nothing was said: somebody is shown another roster, or it has changed; phone them',
  );
}

async function sayStanding(options: Pick<Common, 'format'>, standing: ShownStanding): Promise<void> {
  const { standingText } = await import('../membership/record.js');
  const { state, rosterWords, roster, keyWords, compared, strangers, refusals } = standing;
  say(options, { state, rosterWords, roster, keyWords, compared, strangers, refusals }, standingText(standing));
}

async function join(file: string, options: Common & { ca?: string; wait?: true }): Promise<void> {
  const { readInvitation } = await import('../membership/invitation-file.js');
  const joining = await import('../membership/join.js');
  const invitation = await readInvitation(file);
  const { body, coordinatorName, code } = invitation;
  const about = `invitation of ${coordinatorName} for ${body.hospitalId} (${body.displayName})`;
  if (options.format === 'text') say(options, {}, `${about}\ncode: ${code}  (read it to the coordinator by phone)`);
  const ca = options.ca === undefined ? {} : { ca: await certificates(options.ca) };
  const caFile = options.ca === undefined ? undefined : resolve(options.ca);
  const { standing, ...joined } = await joining.join(options.home, invitation, ca, caFile);
  say(options, { event: 'joined', ...joined }, `keys: ${joined.keysAtRest}`);
  await sayStanding(options, standing);
  if (options.wait === true && standing.state === 'provisional') await wait(options);
}

const certificates = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the certificates ${file}`);
  });

/** Until people have compared; a coordinator that is away meanwhile is waited for. */
async function wait(options: Common): Promise<void> {
  const { membership } = await import('../membership/changes.js');
  for (let pauseMs = WAIT_FIRST_MS; ; pauseMs = Math.min(pauseMs * 1.5, WAIT_LONGEST_MS)) {
    await sleep(pauseMs);
    const standing = await membership(options.home).catch((error: unknown) => {
      if (error instanceof HospitalError && error.code === 'COORDINATOR_UNREACHABLE') return undefined;
      throw error;
    });
    if (standing === undefined || standing.state === 'provisional') continue;
    await sayStanding(options, standing);
    return;
  }
}
