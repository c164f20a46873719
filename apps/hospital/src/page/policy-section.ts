/** The policy in words, and what was learned of it by running. */
import type { Policy } from '../policy/schema.js';
import { markup, type Markup } from '../report/markup.js';
import { binaryBytes, command, empty, list } from './elements.js';
import type { Facts } from './facts.js';
import { WORDS } from './words.js';

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

function rowsOf(policy: Policy): readonly (readonly [string, string])[] {
  const names = WORDS.policyRows;
  const { studies, hours, tensors, noiseMultiplierMin, epsilonMax, approval, approvers } = policy;
  return [
    [names.trustModes, policy.trustModes.join(', ')],
    [names.studies, studies === 'any' ? WORDS.any : WORDS.listed(studies.length)],
    [names.approval, approval === 'required' ? WORDS.approvers(approvers) : WORDS.notRequired],
    [names.cohort, String(policy.cohortMin)],
    [names.patients, String(policy.patientsMin)],
    [names.clip, String(policy.clipNormMax)],
    [names.noise, noiseMultiplierMin === 0 ? WORDS.noiseNone : WORDS.clipNoise(noiseMultiplierMin)],
    [names.epsilon, String(epsilonMax)],
    [names.tensors, tensors === 'head' ? tensors : tensors.join(', ')],
    [
      names.hours,
      hours === 'always' ? WORDS.always : hours.map(({ from, to }) => `${clock(from)}-${clock(to)}`).join(', '),
    ],
    [names.limits, `${policy.coresMax}, ${binaryBytes(policy.memoryMax)}, ${binaryBytes(policy.diskMax)}`],
    [names.sent, binaryBytes(policy.sentPerRoundMax)],
  ];
}

export function policySection({ policy, home }: Facts): Markup {
  const told = (text: string, what: string): Markup =>
    markup`<p class="note">${text}</p>${command(`consilium-hospital policy ${what} --home ${home}`)}`;
  if (policy === 'none') return markup`<h2>${WORDS.policy}</h2>${told(WORDS.policyNone, 'init')}`;
  if (policy === 'unreadable') return markup`<h2>${WORDS.policy}</h2>${told(WORDS.policyUnreadable, 'check')}`;
  return markup`<h2>${WORDS.policy}</h2>${empty(WORDS.policyNote)}${list(rowsOf(policy))}`;
}
