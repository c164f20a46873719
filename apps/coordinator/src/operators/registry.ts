/**
 * The file `operators/registry.json` of the home folder: accounts, API tokens, links and known browsers, of every secret
 * its digest alone. It belongs to the home folder as the key and the enrolments do; coordinators that share a database
 * and not a folder have their own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { permissionSchema, roleSchema } from '@consilium/operator-api';
import { isMissing, writeDurably } from '../durable-file.js';
import { CoordinatorError } from '../errors.js';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime();

const account = z.strictObject({
  name: z.string(),
  role: roleSchema,
  state: z.enum(['invited', 'active', 'disabled']),
  /** Argon2id, a PHC string; null: none was chosen, or it signs in elsewhere. */
  password: z.string().nullable(),
  /** Who it is at an OpenID provider. */
  subject: z.strictObject({ issuer: z.string(), sub: z.string() }).nullable(),
  createdAt: instant,
  createdBy: z.string(),
  lastSignInAt: instant.nullable(),
});

const token = z.strictObject({
  name: z.string(),
  digest,
  scopes: z.array(permissionSchema),
  createdAt: instant,
  /** null: whoever reads the home folder. */
  createdBy: z.string().nullable(),
  lastUsedAt: instant.nullable(),
  expiresAt: instant.nullable(),
});

const link = z.strictObject({
  kind: z.enum(['setup', 'link', 'welcome']),
  digest,
  /** null of a setup link: it makes the first account. */
  account: z.string().nullable(),
  expiresAt: instant,
});

const device = z.strictObject({ account: z.string(), digest, lastAt: instant });

const registrySchema = z.strictObject({
  version: z.literal(1),
  accounts: z.array(account),
  tokens: z.array(token),
  links: z.array(link),
  devices: z.array(device),
});

export type Account = z.infer<typeof account>;
export type ApiToken = z.infer<typeof token>;
export type Link = z.infer<typeof link>;
export type Entries = z.infer<typeof registrySchema>;

export const operatorsFolder = (home: string): string => join(home, 'operators');

export class Registry {
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly file: string,
    private entries: Entries,
  ) {}

  /** @throws {@link CoordinatorError} `OPERATORS_INVALID`: a file that is broken must not count as one without accounts. */
  static async open(home: string): Promise<Registry> {
    const file = join(operatorsFolder(home), 'registry.json');
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (text === undefined) {
      return new Registry(file, { version: 1, accounts: [], tokens: [], links: [], devices: [] });
    }
    try {
      return new Registry(file, registrySchema.parse(JSON.parse(text)));
    } catch {
      throw new CoordinatorError(
        'OPERATORS_INVALID',
        `${file} is not as this program writes it: restore it from a copy`,
      );
    }
  }

  get now(): Readonly<Entries> {
    return this.entries;
  }

  /**
   * One after the other: what a change finds is what it changes. Durable when it resolves.
   *
   * @param change - works on a copy; when it throws, nothing has changed.
   */
  update<T>(change: (entries: Entries) => T): Promise<T> {
    const done = this.#turn.then(async () => {
      const copy = structuredClone(this.entries);
      const result = change(copy);
      await writeDurably(this.file, `${JSON.stringify(copy, null, 2)}\n`);
      this.entries = copy;
      return result;
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
