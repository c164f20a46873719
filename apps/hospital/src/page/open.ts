/** The page of a running node, from its parts; without it the node does its work all the same. */
import { join } from 'node:path';
import type { HospitalConfig } from '../config.js';
import type { LocalControl } from '../control/local-control.js';
import { LOG } from '../control/log-lines.js';
import type { StatusBoard } from '../control/node-status.js';
import { unwish, wish } from '../control/standing.js';
import { Tail } from '../control/tail.js';
import type { Approvals } from '../policy/approvals.js';
import { FactFinder } from './facts.js';
import { servePage, type OpenPage } from './server.js';
import type { Story } from './story.js';

/** Time for the answer to reach the browser, of the second that a stop may take. */
const ANSWERED_MS = 50;

export interface PageParts {
  readonly hospital: string;
  readonly home: string;
  readonly config: HospitalConfig;
  readonly board: StatusBoard;
  readonly control: LocalControl;
  readonly approvals: Approvals;
  readonly story: Story;
}

/** @returns undefined where hospital.yaml says `page: off`. @throws HospitalError `PAGE_PORT_IN_USE`. */
export async function openPage(parts: PageParts): Promise<OpenPage | undefined> {
  const { hospital, home, config, board, control, approvals, story } = parts;
  if (config.page === 'off') return undefined;
  for (const line of await new Tail(join(home, LOG)).next()) story.recall(line);
  const facts = new FactFinder({ hospital, home, config, story, approvals, node: () => board.status() });
  const wishes = {
    pause: () => wish(home, 'paused'),
    resume: () => unwish(home, 'paused'),
    stop: async () => {
      // Durable first, as by the command: no service starts it again.
      await wish(home, 'stopped');
      setTimeout(() => void control.stop(), ANSWERED_MS);
    },
  };
  const page = await servePage({ hospital, port: config.page.port, facts, wishes });
  board.page = page.link;
  return page;
}
