/** Who belongs: `invite`, `invitations`, `hospitals`, `approve`, `revoke`; with a daemon over its API, without one in the home folder. */
import { open, readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { HospitalView, RosterView } from '@consilium/operator-api';
import { hows, personSchema, roles, spkiPinSchema, type How } from '@consilium/protocol';
import { CoordinatorError } from '../errors.js';
import { idOf } from '../membership/deeds.js';
import type { DaemonOptions } from './daemon.js';
import { withMembership } from './membership-access.js';
import { formatOption, homeOption, say, table, type Format } from './output.js';

type Options = DaemonOptions & Format;
const REVOCATION_BYTES = 16_384;

const command = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .addOption(homeOption())
    .option('--url <url>', 'address of the daemon (default: the one that serves the home)')
    .option('--token-file <file>', 'token of the operator (default: api-token in the home)')
    .addOption(formatOption());

function person(text: string): string {
  if (!personSchema.safeParse(text).success)
    throw new InvalidArgumentError('expected one line of at most 100 characters');
  return text;
}

function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!/^https?:$/.test(url?.protocol ?? '')) throw new InvalidArgumentError('expected http:// or https://');
  return text;
}

function pin(text: string): string {
  if (!spkiPinSchema.safeParse(text).success) throw new InvalidArgumentError('expected sha256/ and 44 characters');
  return text;
}

function days(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 90)) throw new InvalidArgumentError('expected more than 0 and at most 90 days');
  return value;
}

export function addMembershipCommands(program: Command): void {
  command(program, 'invite', 'write an invitation, for one hospital and once, and print the code that checks it')
    .argument('<name>', 'name of the hospital in runs: a-z, 0-9 and hyphens')
    .option('--display-name <text>', 'its name for people', person)
    .option(
      '--address <url>',
      'where it finds this coordinator (default: where the daemon of this home listens)',
      address,
    )
    .option('--tls-pin <pin>', "of the coordinator's TLS key, as consilium-hospital doctor prints it", pin)
    .option('--valid-days <days>', 'how long it may be used', days, 7)
    .addOption(new Option('--role <role>', 'what it may join as').choices([...roles]).default('hospital'))
    .option('--out <file>', 'where to write it (default: NAME.invitation.json here)')
    .action(invite);

  const invitations = program.command('invitations').description('who was invited');
  command(invitations, 'list', 'all invitations, newest first').action(async (options: Options) => {
    const all = await withMembership(options, (membership) => membership.invitations());
    if (options.format === 'json') for (const one of all) say(options, one, '');
    else {
      const rows = all.map((one) => [one.id, one.hospital, one.role, one.state, one.expiresAt, one.by]);
      say(options, all, all.length === 0 ? 'none' : table(['ID', 'HOSPITAL', 'ROLE', 'STATE', 'EXPIRES', 'BY'], rows));
    }
  });
  command(invitations, 'cancel <id>', 'an invitation that is open').action(async (id: string, options: Options) => {
    await withMembership(options, (membership) => membership.cancel(id));
    say(options, { id, state: 'cancelled' }, `cancelled ${id}`);
  });

  const hospitals = program.command('hospitals').description('who takes part');
  command(hospitals, 'list', 'all hospitals, and the words of the roster').action(list);
  command(hospitals, 'show <name>', 'one hospital: its key, who approved it, what was tried in its name').action(
    async (name: string, options: Options) => {
      const all = await withMembership(options, (membership) => membership.hospitals());
      const view = all.find(({ id }) => id === name);
      if (view === undefined) throw new CoordinatorError('HOSPITAL_UNKNOWN', `no hospital ${name} has joined`);
      say(options, view, hospitalText(view));
    },
  );
  command(hospitals, 'roster', 'the words that people compare').action(async (options: Options) => {
    const roster = await withMembership(options, (membership) => membership.roster());
    say(options, roster, roster.words);
  });

  command(program, 'approve', 'their people and ours have compared the words: from the next run on they count')
    .argument('<names...>', 'all of the one roster that was compared')
    .requiredOption('--compared-by <person>', 'who compared the words here', person)
    .addOption(new Option('--how <how>', 'by which way').choices([...hows]).makeOptionMandatory())
    .option('--words <words>', 'what was compared; refused if the roster has changed since')
    .action(approve);

  command(program, 'revoke', 'end a session and every part in runs, from the next plan on')
    .argument('[name]')
    .option('--reason <text>', 'for the record', person)
    .option('--file <file>', 'a revocation that the hospital itself signed')
    .action(async (name: string | undefined, options: Options & { reason?: string; file?: string }) => {
      const view = await revoke(name, options);
      say(options, view, `${view.id} is ${view.state}; it comes back only with a new key and a new invitation`);
    });
}

interface InviteOptions extends Options {
  readonly displayName?: string;
  readonly address?: string;
  readonly tlsPin?: string;
  readonly validDays: number;
  readonly role: (typeof roles)[number];
  readonly out?: string;
}

async function invite(name: string, options: InviteOptions): Promise<void> {
  const hospital = idOf(name);
  const { displayName, address: where, tlsPin, validDays, role } = options;
  const path = options.out ?? `${hospital}.invitation.json`;
  // Before it is issued: a file that cannot be written would leave an invitation that nobody has.
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new CoordinatorError('BAD_OPTION', `cannot write ${path} (${String((error as NodeJS.ErrnoException).code)})`);
  });
  try {
    const terms = { hospital, displayName, address: where, tlsPin, validDays, role };
    const { file: text, id, expiresAt, code } = await withMembership(options, (membership) => membership.invite(terms));
    const issued = { id, hospital, expiresAt, code };
    await file.writeFile(text);
    await file.sync();
    const lines = [
      `invitation ${path}  (for ${hospital} alone, once, until ${issued.expiresAt.slice(0, 10)}: send it as you would a password)`,
      `code: ${issued.code}  (the hospital sees the same words; compare them by phone)`,
    ];
    say(options, { ...issued, file: path }, lines.join('\n'));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

interface ApproveOptions extends Options {
  readonly comparedBy: string;
  readonly how: How;
  readonly words?: string;
}

async function approve(names: string[], options: ApproveOptions): Promise<void> {
  await withMembership(options, async (membership) => {
    const roster = await membership.roster();
    if (options.words === undefined && process.stdin.isTTY) await askWhether(roster);
    const { comparedBy, how, words = roster.words } = options;
    for (const name of names) {
      const view = await membership.approve(name, { comparedBy, how, words });
      say(options, view, `${view.id} is ${view.state}`);
    }
    if (options.format === 'text') say(options, {}, `roster: ${roster.words}`);
  });
}

/** What was compared is on the screen when it is approved. @throws {@link CoordinatorError} `ROSTER_CHANGED`. */
async function askWhether({ words, hospitals }: RosterView): Promise<void> {
  process.stderr.write(`${hospitals.map(({ id, state }) => `${id} (${state})`).join(', ')}\n${words}\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Did they read the same words? yes or no: ');
    if (answer.trim() === 'yes') return;
  } finally {
    terminal.close();
  }
  throw new CoordinatorError(
    'ROSTER_CHANGED',
    'nothing was approved: somebody is shown another roster, or it has changed',
  );
}

async function list(options: Options): Promise<void> {
  const [all, roster] = await withMembership(options, async (membership) => [
    await membership.hospitals(),
    await membership.roster(),
  ]);
  if (options.format === 'json') {
    for (const one of all) say(options, one, '');
    return;
  }
  if (all.length === 0) {
    say(options, all, 'nobody has joined yet: consilium-coordinator invite NAME');
    return;
  }
  const rows = all.map((one) => [
    ...[one.id, one.displayName, one.state, one.joinedAt.slice(0, 10)],
    one.approved?.comparedBy ?? '-',
    one.verified === null ? 'no' : one.verified.isCurrent ? 'yes' : 'before the roster changed',
  ]);
  const head = ['HOSPITAL', 'NAME', 'STATE', 'JOINED', 'APPROVED BY', 'HAS COMPARED'];
  say(options, all, `${table(head, rows)}\nroster: ${roster.words}`);
}

function hospitalText(view: HospitalView): string {
  const { approved, verified, revoked, invited } = view;
  return [
    `${view.id} (${view.displayName}): ${view.state}`,
    `key: ${view.words}`,
    `     ${view.fingerprint}`,
    `invited ${invited.at} by ${invited.by}`,
    `joined ${view.joinedAt}`,
    ...(view.rotatedAt === null ? [] : [`key changed ${view.rotatedAt}`]),
    ...(approved === null
      ? []
      : [`approved ${approved.at} by ${approved.by}: ${approved.comparedBy} compared, ${approved.how}`]),
    ...(verified === null
      ? ['its own people have not compared the words yet']
      : [
          `its own people: ${verified.comparedBy} compared, ${verified.how}, ${verified.at}` +
            (verified.isCurrent ? '' : ' (the roster has changed since)'),
        ]),
    ...(revoked === null ? [] : [`revoked ${revoked.at} by ${revoked.by}: ${revoked.reason}`]),
    ...view.refusals.map(({ at, request, code }) => `refused ${at}: ${request}, ${code}`),
  ].join('\n');
}

async function revoke(
  name: string | undefined,
  { reason, file, ...options }: Options & { reason?: string; file?: string },
): Promise<HospitalView> {
  if (file !== undefined && name === undefined) {
    const text = await revocationText(file);
    return withMembership(options, (membership) => membership.revokeByFile(text));
  }
  if (name === undefined || reason === undefined || file !== undefined) {
    throw new CoordinatorError('BAD_OPTION', 'expected NAME with --reason, or --file alone');
  }
  return withMembership(options, (membership) => membership.revoke(name, reason));
}

async function revocationText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new CoordinatorError('REVOCATION_INVALID', `cannot read ${path}`);
  });
  if (text.length > REVOCATION_BYTES) throw new CoordinatorError('REVOCATION_INVALID', `${path} is too large`);
  return text;
}
