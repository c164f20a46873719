/**
 * Who is signed in. A session is a random id in a cookie, of which the file `operators/sessions.json` keeps the digest: a
 * restart of the coordinator signs nobody out. It ends when it was idle, at its absolute end, with its account, or when it
 * is ended.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing, writeDurably } from '../durable-file.js';
import { operatorsFolder } from './registry.js';
import { digestOf, newSecret } from './secrets.js';

const IDLE_MS = 2 * 3_600_000;
const ABSOLUTE_MS = 12 * 3_600_000;
/** How much later than it happened the use of a session is written down. */
const WRITE_MS = 60_000;
/** Of one account; the oldest ends. */
const PER_ACCOUNT = 20;

const sessionSchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string(),
  createdAtMs: z.number(),
  usedAtMs: z.number(),
});
type Kept = z.infer<typeof sessionSchema>;

export interface Session {
  readonly digest: string;
  readonly account: string;
  readonly expiresAt: string;
  /** Computed from the id in the cookie: nothing of it is stored. */
  readonly csrf: string;
}

export class Sessions {
  readonly #byDigest = new Map<string, Kept>();
  readonly #ended = new Set<(digest: string) => void>();
  #turn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    private readonly nowMs: () => number,
  ) {}

  /** A file that cannot be read signs everybody out. @param nowMs - since 1970. */
  static async open(home: string, nowMs: () => number = Date.now): Promise<Sessions> {
    const sessions = new Sessions(join(operatorsFolder(home), 'sessions.json'), nowMs);
    const text = await readFile(sessions.file, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '[]';
      throw error;
    });
    for (const kept of parsed(text)) sessions.#byDigest.set(kept.digest, kept);
    return sessions;
  }

  /** Always under a new id. Durable when it resolves. @returns The id, for the cookie alone. */
  async begin(account: string): Promise<{ readonly id: string; readonly session: Session }> {
    const id = newSecret();
    const [now, digest] = [this.nowMs(), digestOf('session', id)];
    this.#byDigest.set(digest, { digest, account, createdAtMs: now, usedAtMs: now });
    const own = [...this.#byDigest.values()].filter((one) => one.account === account);
    for (const { digest: oldest } of own.slice(0, -PER_ACCOUNT)) this.#drop(oldest);
    await this.#write();
    return { id, session: this.#view(id, this.#byDigest.get(digest) as Kept) };
  }

  /** @param id - of a cookie: attacker-controlled. @returns undefined unless it is alive; its idle time begins again. */
  use(id: string): Session | undefined {
    const kept = this.#byDigest.get(digestOf('session', id));
    if (kept === undefined) return undefined;
    const now = this.nowMs();
    if (now >= endOf(kept)) {
      this.#drop(kept.digest);
      void this.#write().catch(() => undefined);
      return undefined;
    }
    const used = { ...kept, usedAtMs: now };
    const isDue = now - kept.usedAtMs > WRITE_MS;
    this.#byDigest.set(kept.digest, isDue ? used : kept);
    // Lost by a crash, it only makes the session end earlier.
    if (isDue) void this.#write().catch(() => undefined);
    return this.#view(id, used);
  }

  isAlive(digest: string): boolean {
    const kept = this.#byDigest.get(digest);
    return kept !== undefined && this.nowMs() < endOf(kept);
  }

  /** Durable when it resolves. */
  async end(digest: string): Promise<void> {
    this.#drop(digest);
    await this.#write();
  }

  /** Of an account that was disabled, or whose password changed. @param except - digest of one that goes on. */
  async endAll(account: string, except?: string): Promise<void> {
    for (const { digest, account: whose } of this.#byDigest.values()) {
      if (whose === account && digest !== except) this.#drop(digest);
    }
    await this.#write();
  }

  /** @param listener - told the digest of each session that ends. */
  onEnd(listener: (digest: string) => void): void {
    this.#ended.add(listener);
  }

  #drop(digest: string): void {
    if (!this.#byDigest.delete(digest)) return;
    for (const listener of this.#ended) listener(digest);
  }

  #view(id: string, kept: Kept): Session {
    const { digest, account } = kept;
    return { digest, account, csrf: digestOf('csrf', id), expiresAt: new Date(endOf(kept)).toISOString() };
  }

  #write(): Promise<void> {
    const write = this.#turn.then(() => writeDurably(this.file, JSON.stringify([...this.#byDigest.values()])));
    this.#turn = write.catch(() => undefined);
    return write;
  }
}

const endOf = ({ createdAtMs, usedAtMs }: Kept): number => Math.min(createdAtMs + ABSOLUTE_MS, usedAtMs + IDLE_MS);

function parsed(text: string): Kept[] {
  try {
    return z.array(sessionSchema).parse(JSON.parse(text));
  } catch {
    return [];
  }
}
