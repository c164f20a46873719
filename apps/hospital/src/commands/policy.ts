/** `consilium-hospital policy ...` and `approve`. */
import { createInterface } from 'node:readline/promises';
import { access } from 'node:fs/promises';
import type { Opened } from '@consilium/protocol';
import { HospitalError } from '../errors.js';
import { writeDurably } from '../durable-file.js';
import { openIdentity, pinnedCoordinator } from '../home.js';
import { Approvals, verdictOf, type Decision } from '../policy/approvals.js';
import { DEFAULT_POLICY } from '../policy/default-policy.js';
import { policyFile, readPolicy } from '../policy/read-policy.js';
import type { Policy } from '../policy/schema.js';
import { approvalText } from '@consilium/operator-api';
import { runTerms } from '../policy/terms.js';

/** @throws {@link HospitalError} `POLICY_EXISTS`: what a person wrote is not written over. */
export async function initPolicy(home: string): Promise<{ readonly file: string }> {
  const file = policyFile(home);
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new HospitalError('POLICY_EXISTS', `${file} is there already`);
  await writeDurably(file, DEFAULT_POLICY);
  return { file };
}

/** @throws {@link HospitalError} `POLICY_MISSING` or `POLICY_INVALID`. */
export async function showPolicy(home: string): Promise<Policy> {
  const policy = await readPolicy(home);
  if (policy === undefined) {
    throw new HospitalError('POLICY_MISSING', 'this hospital has no policy; consilium-hospital policy init writes one');
  }
  return policy;
}

export interface ApproveRequest {
  readonly home: string;
  readonly run?: string;
  readonly hash?: string;
  readonly by: string;
  readonly deny: boolean;
  readonly yes: boolean;
}

export interface ApproveResult {
  readonly hash: string;
  readonly run: string;
  readonly decision: Decision['decision'];
  readonly by: string;
  /** `awaited`: another person has to approve as well. */
  readonly verdict: 'given' | 'denied' | 'awaited';
}

/**
 * @param ask - shows the text and asks; undefined without a terminal, where the hash must be named in full.
 * @throws {@link HospitalError} `APPROVAL_UNKNOWN`, `APPROVAL_NEEDS_HASH`; `NEEDS_YES` when the person says no.
 */
export async function approve(
  { home, run, hash, by, deny, yes }: ApproveRequest,
  show: (text: string) => void,
  ask: ((question: string) => Promise<string>) | undefined,
): Promise<ApproveResult> {
  const { identity } = await openIdentity(home);
  const approvals = new Approvals(home, identity, await pinnedCoordinator(home));
  const decided = await approvals.decided();
  const known = [...(await approvals.pending()), ...decided.map(({ config }) => config)];
  const config = choose(known, run, hash);
  const last = decided.findLast(
    (one) => one.config.digest !== config.digest && one.decisions.some(({ decision }) => decision === 'approved'),
  );
  show(approvalText(config, runTerms(config.body), last?.config));
  const decision = deny ? 'denied' : 'approved';
  if (ask === undefined || yes) {
    if (hash === undefined) {
      throw new HospitalError(
        'APPROVAL_NEEDS_HASH',
        'without a question to a person, --hash must name the configuration in full',
      );
    }
    if (!yes) throw new HospitalError('NEEDS_YES', 'there is no terminal to ask at: repeat it with --yes');
  } else {
    const answer = await ask(`${deny ? 'Deny' : 'Approve'} this as ${by}? Type the first 8 digits of the hash: `);
    if (answer.trim() !== config.digest.slice(0, 8)) throw new HospitalError('NEEDS_YES', 'nothing was decided');
  }
  const { decisions } = await approvals.decide(config, { decision, by });
  const policy = await readPolicy(home);
  const verdict = verdictOf(decisions, policy?.approvers ?? 1);
  return { hash: config.digest, run: config.body.runId, decision, by, verdict };
}

function choose(
  known: readonly Opened<'run-config'>[],
  run: string | undefined,
  hash: string | undefined,
): Opened<'run-config'> {
  const chosen = new Map(
    known
      .filter(
        ({ body, digest }) => (run === undefined || body.runId === run) && (hash === undefined || digest === hash),
      )
      .map((config) => [config.digest, config]),
  );
  const [only, ...others] = chosen.values();
  if (only === undefined) throw new HospitalError('APPROVAL_UNKNOWN', 'no such configuration was received here');
  if (others.length === 0) return only;
  const hashes = [...chosen.keys()].join(', ');
  throw new HospitalError('APPROVAL_UNKNOWN', `several configurations fit: name one with --hash: ${hashes}`);
}

/** On a terminal. */
export async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
