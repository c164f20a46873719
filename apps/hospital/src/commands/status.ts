/** `consilium-hospital status`: what the node does, and what people want of it. */
import { access } from 'node:fs/promises';
import { nodeStatusSchema, type NodeStatus } from '../control/node-status.js';
import { dial, tell } from '../control/socket.js';
import { isPaused, isStopped } from '../control/standing.js';
import { HospitalError } from '../errors.js';
import { knownHospital, type KnownHospital } from '../home.js';
import { keptStanding, shownStanding, type ShownStanding } from '../membership/record.js';

const ANSWER_MS = 5_000;

export interface HospitalStatus {
  readonly running: boolean;
  readonly stopped: boolean;
  readonly paused: boolean;
  /** As the coordinator last said it, and what people here have compared; null: it has not joined, or was never told. */
  readonly membership: MembershipView | null;
  /** null: not running, or too busy to answer. */
  readonly node: NodeStatus | null;
}

type MembershipView = Pick<ShownStanding, 'state' | 'rosterWords' | 'compared' | 'strangers'>;

async function membershipOf(home: string): Promise<MembershipView | null> {
  const known = await knownHospital(home);
  const standing = known && (await keptStanding(home, known));
  if (standing === undefined) return null;
  const { state, rosterWords, compared, strangers } = await shownStanding(home, known as KnownHospital, standing);
  return { state, rosterWords, compared, strangers };
}

/** @throws {@link HospitalError} `NOT_INITIALISED` where there is no such home. */
export async function statusOf(home: string): Promise<HospitalStatus> {
  await access(home).catch(() => {
    throw new HospitalError('NOT_INITIALISED', `${home} has no identity yet: run consilium-hospital join first`);
  });
  const [stopped, paused, membership] = [await isStopped(home), await isPaused(home), await membershipOf(home)];
  const wishes = { stopped, paused, membership };
  const socket = await dial(home);
  if (socket === undefined) return { running: false, ...wishes, node: null };
  const answer = nodeStatusSchema.safeParse(await tell(socket, 'status', ANSWER_MS));
  socket.destroy();
  return { running: true, ...wishes, node: answer.success ? answer.data : null };
}

export function statusText({ running, stopped, paused, membership, node }: HospitalStatus): string {
  const belongs = membership === null ? [] : [`membership: ${membershipText(membership)}`];
  if (node === null) {
    const state = running ? 'running, but too busy to answer' : 'not running';
    return [state, ...belongs, ...(stopped ? ['stopped by a person'] : []), ...(paused ? ['paused'] : [])].join('\n');
  }
  const { pid, since, line, embedded, page, runs } = node;
  return [
    `running as process ${pid} since ${since}`,
    `coordinator: ${line}`,
    ...belongs,
    ...(page === null ? [] : [`page: ${page}`]),
    ...(embedded === null ? [] : [`images: ${embedded.done} of ${embedded.total}`]),
    ...runs.map(({ run, stage, round }) => `run ${run}: ${stage}${round > 0 ? `, round ${round}` : ''}`),
    ...(stopped ? ['stops after this round'] : []),
    ...(paused ? ['paused: plans are declined'] : []),
  ].join('\n');
}

function membershipText({ state, rosterWords, compared, strangers }: MembershipView): string {
  if (state === 'revoked') return 'revoked';
  const unknown = strangers.length === 0 ? '' : ` (not compared: ${strangers.join(', ')})`;
  return `${state}, roster compared here: ${compared}${unknown}; its words: ${rosterWords}`;
}
