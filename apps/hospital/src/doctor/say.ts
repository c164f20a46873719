/** What the people of this hospital have said: policy, stop and pause; and the journal of what left. */
import { readJournal } from '../egress/read-journal.js';
import { isPaused, isStopped } from '../control/standing.js';
import { isWithin } from '../policy/units.js';
import { readPolicy } from '../policy/read-policy.js';
import { HospitalError } from '../errors.js';
import { type Check, fail, type Finding, ok, told, warn } from './finding.js';

export const policy: Check = async ({ home }) => {
  try {
    const read = await readPolicy(home);
    if (read === undefined) {
      return [
        warn(
          'policy',
          'none: every run of the pinned coordinator is accepted',
          'consilium-hospital policy init writes one',
        ),
      ];
    }
    const now = new Date();
    const minute = now.getHours() * 60 + now.getMinutes();
    const isOpen = read.hours === 'always' || read.hours.some((hours) => isWithin(hours, minute));
    const detail = `trust modes ${read.trustModes.join(', ')}; at least ${read.cohortMin} hospitals; approval ${read.approval}`;
    if (isOpen) return [ok('policy', detail)];
    return [warn('policy', `${detail}; at this hour nothing is trained`, 'wait, or change `hours` in policy.yaml')];
  } catch (error) {
    if (!(error instanceof HospitalError) && !(error instanceof Error && 'syscall' in error)) throw error;
    return [fail('policy', told(error), 'until it can be read nothing runs: correct policy.yaml')];
  }
};

export const standing: Check = async ({ home }) => [
  ...((await isStopped(home))
    ? [warn('stop', 'a person stopped this hospital: no service starts it', 'consilium-hospital start ends that')]
    : []),
  ...((await isPaused(home))
    ? [warn('pause', 'paused: plans are declined', 'consilium-hospital resume ends that')]
    : []),
];

export const journal: Check = async ({ home }) => {
  const { entries, fault } = await readJournal(home).catch(() => ({ entries: [], fault: undefined }));
  const finding: Finding =
    fault === undefined
      ? ok('journal', entries.length === 0 ? 'nothing has left yet' : `whole, ${entries.length} entries`)
      : fail(
          'journal',
          `${fault.file} line ${fault.line} ${fault.what}`,
          'find out who changed it; then move egress.* aside to begin a new one',
        );
  return [finding];
};
