/** `consilium-hospital status`: what the node does, and what people want of it. */
import { access } from 'node:fs/promises';
import { nodeStatusSchema, type NodeStatus } from '../control/node-status.js';
import { dial, tell } from '../control/socket.js';
import { isPaused, isStopped } from '../control/standing.js';
import { HospitalError } from '../errors.js';

const ANSWER_MS = 5_000;

export interface HospitalStatus {
  readonly running: boolean;
  readonly stopped: boolean;
  readonly paused: boolean;
  /** null: not running, or too busy to answer. */
  readonly node: NodeStatus | null;
}

/** @throws {@link HospitalError} `NOT_INITIALISED` where there is no such home. */
export async function statusOf(home: string): Promise<HospitalStatus> {
  await access(home).catch(() => {
    throw new HospitalError('NOT_INITIALISED', `${home} has no identity yet: run consilium-hospital join first`);
  });
  const wishes = { stopped: await isStopped(home), paused: await isPaused(home) };
  const socket = await dial(home);
  if (socket === undefined) return { running: false, ...wishes, node: null };
  const answer = nodeStatusSchema.safeParse(await tell(socket, 'status', ANSWER_MS));
  socket.destroy();
  return { running: true, ...wishes, node: answer.success ? answer.data : null };
}

export function statusText({ running, stopped, paused, node }: HospitalStatus): string {
  if (node === null) {
    const state = running ? 'running, but too busy to answer' : 'not running';
    return [state, ...(stopped ? ['stopped by a person'] : []), ...(paused ? ['paused'] : [])].join('\n');
  }
  const { pid, since, line, embedded, page, runs } = node;
  return [
    `running as process ${pid} since ${since}`,
    `coordinator: ${line}`,
    ...(page === null ? [] : [`page: ${page}`]),
    ...(embedded === null ? [] : [`images: ${embedded.done} of ${embedded.total}`]),
    ...runs.map(({ run, stage, round }) => `run ${run}: ${stage}${round > 0 ? `, round ${round}` : ''}`),
    ...(stopped ? ['stops after this round'] : []),
    ...(paused ? ['paused: plans are declined'] : []),
  ].join('\n');
}
