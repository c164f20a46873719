/**
 * The file `operators/activity.jsonl`: what anybody did or tried at this coordinator, one JSON value per line, each with
 * the hash of the one before. An action is on the disk before it is done.
 */
import { mkdir, open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, sha256Hex, utf8 } from '@consilium/bytes';
import { actionEntry, type ActionEntry, type Actor } from '@consilium/operator-api';
import { isMissing } from '../durable-file.js';
import { operatorsFolder } from './registry.js';

export interface Deed {
  readonly by: Actor;
  readonly action: string;
  readonly outcome: ActionEntry['outcome'];
  readonly code?: string;
  readonly run?: string;
  readonly hospital?: string;
  readonly operator?: string;
  readonly detail?: ActionEntry['detail'];
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const kept = actionEntry.omit({ kind: true, id: true }).extend({ seq: z.int().min(0), prev: hash, hash });
export type KeptAction = z.infer<typeof kept>;

export const GENESIS = '0'.repeat(64);

const hashOf = (entry: Omit<KeptAction, 'hash'>): string => sha256Hex(utf8(canonicalJson(entry)));

export const activityFile = (home: string): string => join(operatorsFolder(home), 'activity.jsonl');

export class ActivityLog {
  readonly #entries: KeptAction[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #file: FileHandle | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(
    private readonly path: string,
    private readonly now: () => Date,
  ) {}

  /**
   * Reads and checks what is there. The rest of a line that a crash cut off is removed: nothing was done by it. A break in
   * the chain is itself written down, and the log goes on.
   */
  static async open(home: string, now: () => Date = () => new Date()): Promise<ActivityLog> {
    const path = activityFile(home);
    const log = new ActivityLog(path, now);
    const bytes = await readFile(path).catch((error: unknown) => {
      if (isMissing(error)) return Buffer.alloc(0);
      throw error;
    });
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) await truncate(path, whole);
    const { entries, brokenAt } = readChain(bytes.subarray(0, whole).toString('utf8'));
    log.#entries.push(...entries);
    await mkdir(operatorsFolder(home), { recursive: true, mode: 0o700 });
    log.#file = await open(path, 'a', 0o600);
    if (brokenAt !== undefined) {
      const by = { kind: 'nobody', name: null, role: null } as const;
      await log.record({ by, action: 'activity.damaged', outcome: 'failed', detail: { line: brokenAt } });
    }
    return log;
  }

  /** Oldest first. */
  get entries(): readonly KeptAction[] {
    return this.#entries;
  }

  /** On the disk when it resolves. @returns Its number. */
  record(deed: Deed): Promise<number> {
    const { by, action, outcome, code = null, run = null, hospital = null, operator = null, detail = {} } = deed;
    const done = this.#turn.then(async () => {
      const last = this.#entries.at(-1);
      const entry = {
        ...{ seq: (last?.seq ?? -1) + 1, at: notBefore(this.now(), last?.at), by, action, outcome, code },
        ...{ run, hospital, operator, detail, prev: last?.hash ?? GENESIS },
      };
      const sealed = { ...entry, hash: hashOf(entry) };
      if (this.#file === undefined) throw new Error('the activity log is closed');
      await appendWhole(this.#file, `${JSON.stringify(sealed)}\n`);
      this.#entries.push(sealed);
      for (const listener of this.#listeners) listener();
      return sealed.seq;
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  onRecord(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file?.close();
    this.#file = undefined;
  }
}

/** A clock that was set back must not put what came later before what came earlier. */
const notBefore = (now: Date, last: string | undefined): string =>
  last !== undefined && now.toISOString() < last ? last : now.toISOString();

/** All or nothing: half a line would spoil the next one. */
async function appendWhole(file: FileHandle, line: string): Promise<void> {
  const { size } = await file.stat();
  try {
    await file.appendFile(line);
    await file.datasync();
  } catch (error) {
    await file.truncate(size);
    throw error;
  }
}

/** @returns All entries that can be read, and the first line (from 1) that is not what it should be after the one before. */
export function readChain(text: string): { readonly entries: KeptAction[]; readonly brokenAt: number | undefined } {
  const entries: KeptAction[] = [];
  let brokenAt: number | undefined;
  for (const [i, line] of text.split('\n').slice(0, -1).entries()) {
    const parsed = kept.safeParse(jsonOf(line));
    if (!parsed.success || !follows(parsed.data, entries.at(-1))) brokenAt ??= i + 1;
    if (parsed.success) entries.push(parsed.data);
  }
  return { entries, brokenAt };
}

function follows({ hash: own, ...entry }: KeptAction, last: KeptAction | undefined): boolean {
  return entry.seq === (last?.seq ?? -1) + 1 && entry.prev === (last?.hash ?? GENESIS) && own === hashOf(entry);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
