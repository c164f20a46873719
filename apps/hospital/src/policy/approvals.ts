/**
 * What people of this hospital said about a configuration, signed with the hospital's identity, and never sent:
 *
 *     approvals/<digest>.json   approvals/pending/<digest>.json
 *
 * An approval is for one digest. A configuration that differs in anything has another one, and waits again.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalBytes, concatBytes, fromHex, toHex, utf8 } from '@consilium/bytes';
import { signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { openStatement, ProtocolError, type Digest, type Envelope, type Opened } from '@consilium/protocol';
import { isMissing, writeDurably } from '../durable-file.js';

/** No protocol statement can collide with it: those start with `DSSEv1`. */
const LABEL = utf8('consilium/approval/1\n');

const bodySchema = z.strictObject({
  configDigest: z.string().regex(/^[0-9a-f]{64}$/),
  decision: z.enum(['approved', 'denied']),
  by: z.string().min(1).max(100),
  time: z.iso.datetime(),
});
const fileSchema = z.strictObject({
  config: z.unknown(),
  decisions: z.array(z.strictObject({ body: bodySchema, signature: z.string().regex(/^[0-9a-f]{128}$/) })).max(100),
});

export type Decision = z.infer<typeof bodySchema>;

export interface Decided {
  readonly config: Opened<'run-config'>;
  /** Those whose signature verifies; of each person the last one. */
  readonly decisions: readonly Decision[];
}

/** Two spellings of one name are one person. */
const person = (by: string): string => by.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();

/** Whether these are the approvals of so many different people, and nobody's denial. */
export function verdictOf(decisions: readonly Decision[], approvers: number): 'given' | 'denied' | 'awaited' {
  if (decisions.some(({ decision }) => decision === 'denied')) return 'denied';
  return new Set(decisions.map(({ by }) => person(by))).size >= approvers ? 'given' : 'awaited';
}

export class Approvals {
  readonly #folder: string;

  /** @param coordinatorKey - pinned: a configuration in the folder counts only under its signature. */
  constructor(
    home: string,
    private readonly identity: Identity,
    private readonly coordinatorKey: Uint8Array,
  ) {
    this.#folder = join(home, 'approvals');
  }

  /** Makes it known to `approve`. */
  async await(config: Opened<'run-config'>): Promise<void> {
    const path = join(this.#folder, 'pending', `${config.digest}.json`);
    await writeDurably(path, JSON.stringify(config.envelope));
  }

  async pending(): Promise<Opened<'run-config'>[]> {
    const opened = await Promise.all(
      (await this.#digests('pending')).map(async (digest) => {
        const text = await this.#read('pending', digest);
        return text === undefined ? undefined : this.#open(JSON.parse(text), digest);
      }),
    );
    return opened.filter((config) => config !== undefined);
  }

  /** All configurations that anyone decided about, the latest decision last. */
  async decided(): Promise<Decided[]> {
    const all = await Promise.all((await this.#digests('')).map((digest) => this.of(digest)));
    const last = ({ decisions }: Decided): string =>
      decisions
        .map(({ time }) => time)
        .sort()
        .at(-1) ?? '';
    return all
      .filter((one): one is Decided => one !== undefined && one.decisions.length > 0)
      .sort((a, b) => (last(a) < last(b) ? -1 : 1));
  }

  /** @returns undefined where nobody decided, or where the file is none of ours. */
  async of(digest: string): Promise<Decided | undefined> {
    const text = await this.#read('', digest);
    if (text === undefined) return undefined;
    const parsed = fileSchema.safeParse(jsonOf(text));
    const config = parsed.success ? this.#open(parsed.data.config, digest) : undefined;
    if (!parsed.success || config === undefined) return undefined;
    const valid = parsed.data.decisions.filter(
      ({ body, signature }) =>
        body.configDigest === digest && verifyStrict(this.identity.publicKey, signed(body), fromHex(signature)),
    );
    return { config, decisions: [...new Map(valid.map(({ body }) => [person(body.by), body])).values()] };
  }

  /** Signs and keeps what this person says; it is waited for no longer than the policy asks. */
  async decide(config: Opened<'run-config'>, said: Pick<Decision, 'decision' | 'by'>): Promise<Decided> {
    const before = (await this.of(config.digest))?.decisions ?? [];
    const body: Decision = { configDigest: config.digest, ...said, time: new Date().toISOString() };
    const decisions = [...before, body].map((decision) => ({
      body: decision,
      signature: toHex(signBytes(this.identity, signed(decision))),
    }));
    const file = { config: config.envelope, decisions };
    await writeDurably(join(this.#folder, `${config.digest}.json`), JSON.stringify(file));
    return (await this.of(config.digest)) ?? { config, decisions: [] };
  }

  async settle(digest: Digest): Promise<void> {
    await rm(join(this.#folder, 'pending', `${digest}.json`), { force: true });
  }

  async #digests(folder: string): Promise<string[]> {
    const names = await readdir(join(this.#folder, folder)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    return names.flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);
  }

  #read(folder: string, digest: string): Promise<string | undefined> {
    return readFile(join(this.#folder, folder, `${digest}.json`), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
  }

  #open(envelope: unknown, digest: string): Opened<'run-config'> | undefined {
    try {
      const opened = openStatement('run-config', envelope as Envelope, (bytes, signature) =>
        verifyStrict(this.coordinatorKey, bytes, signature),
      );
      return opened.digest === digest ? opened : undefined;
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }
}

const signed = (body: Decision): Uint8Array => concatBytes(LABEL, canonicalBytes(body));

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
