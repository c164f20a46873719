/**
 * A configuration as plain text, for the person at a hospital who answers for it, and what changed since the last one. The
 * hospital shows it before it asks; the coordinator shows the same before it begins a run.
 */
import { canonicalBytes, sha256Hex } from '@consilium/bytes';
import { headTensors } from '@consilium/model-spec';
import type { Opened, RobustTerms, RunConfig } from '@consilium/protocol';
import { whoSees } from './who-sees.js';

/** What a configuration promises, as the hospital works it out for itself. */
export interface ApprovalTerms {
  readonly mode: 'secagg' | 'sealed';
  /** Fewest hospitals whose updates are added up. */
  readonly cohort: number;
  /** The most that one round sends. */
  readonly sentBytes: number;
  /** Absent: no noise is promised. */
  readonly noiseMultiplier?: number;
  /** Absent: nothing is bounded. */
  readonly epsilon?: number;
}

/** SHA-256 over the canonical JSON of the study: its name and its labels in order. */
export const studyHash = (study: RunConfig['study']): string => sha256Hex(canonicalBytes(study));

/** Texts come from the coordinator: none may move a terminal's cursor, or turn the direction of reading. */
const visible = (text: string): string =>
  text.replaceAll(/\p{C}/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);

/** @param last - the configuration that this hospital approved before; undefined: none. */
export const approvalText = (
  config: Opened<'run-config'>,
  terms: ApprovalTerms,
  last: Opened<'run-config'> | undefined,
): string => [approvalSubject(config, terms), ...changes(config.body, last?.body)].join('\n');

/** The part that is the same for every hospital. */
export function approvalSubject(
  { body, digest }: Pick<Opened<'run-config'>, 'body' | 'digest'>,
  { noiseMultiplier, epsilon, cohort, sentBytes, mode }: ApprovalTerms,
): string {
  const tensors = headTensors(body.head).map(({ name, shape }) => `${name} (${shape.join(' x ')})`);
  const lines = [
    `run            ${body.runId}`,
    `hash           ${digest}`,
    `study          ${visible(body.study.name)}`,
    `study hash     ${studyHash(body.study)}`,
    `labels         ${body.study.labels.map(visible).join(', ')}`,
    `rounds         at most ${body.rounds}, each ${body.training.epochs} epochs on this hospital's training images`,
    `hospitals      ${body.roster.map(({ hospitalId }) => hospitalId).join(', ')}`,
    `trust mode     ${mode}`,
    'who would see what',
    ...whoSees(body).map((line) => `  ${line}`),
    'what would leave in each round',
    `  the head: ${tensors.join(', ')}; about ${sentBytes} bytes`,
    '  the number of training images, a training loss, and figures on held-out images',
    'guarantees',
    ...(body.aggregation === undefined ? [] : [`  updates become one by ${ruleText(body.aggregation)}`]),
    `  an update is at most ${body.clipNorm} long (L2 norm); longer ones are scaled down here`,
    `  at least ${cohort} hospitals in each sum`,
    noiseMultiplier === undefined ? '  noise: NONE' : `  noise: ${noiseMultiplier} times the clip bound`,
    epsilon === undefined ? '  epsilon: UNBOUNDED' : `  epsilon: at most ${epsilon}`,
  ];
  return lines.join('\n');
}

function ruleText(terms: RobustTerms): string {
  const rule = `a ${terms.rule}, in which all hospitals count alike`;
  const faulty = terms.rule === 'median' ? 1 : terms.faulty;
  return `${rule}; made to withstand ${faulty} of them; who is left out, and by what measure, every hospital is told`;
}

function changes(now: RunConfig, before: RunConfig | undefined): string[] {
  if (before === undefined) return ['nothing was approved before: all of it is new'];
  const [old, fresh] = [flat(before), flat(now)];
  const names = [...new Set([...old.keys(), ...fresh.keys()])].filter((name) => old.get(name) !== fresh.get(name));
  return [
    `changes since ${before.runId}, the last that was approved: ${names.length === 0 ? 'none' : ''}`.trimEnd(),
    ...names.flatMap((name) => [
      ...(old.has(name) ? [`- ${visible(name)}: ${visible(old.get(name) ?? '')}`] : []),
      ...(fresh.has(name) ? [`+ ${visible(name)}: ${visible(fresh.get(name) ?? '')}`] : []),
    ]),
  ];
}

/** Every value by its place: `training.epochs` -> `2`. */
function flat(value: unknown, name = '', all = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) flat(child, name === '' ? key : `${name}.${key}`, all);
  } else all.set(name, JSON.stringify(value));
  return all;
}
