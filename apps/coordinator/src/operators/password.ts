/** Passwords: argon2id, off the event loop, a few at a time. */
import { hash, verify } from '@node-rs/argon2';
import { ApiError } from '../api/api-error.js';

/** Algorithm 2 is argon2id. OWASP Password Storage Cheat Sheet, 2024: argon2id with 19 MiB, two passes, one lane. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** 19 MiB each: strangers may try passwords, but neither fill the memory nor take the cores from the rounds. */
const AT_ONCE = 2;
const WAITING = 16;

export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #nobodys: Promise<string> | undefined;

  /** @returns A PHC string with its own salt. @throws {@link ApiError} `RATE_LIMITED` while too many wait. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password.normalize('NFKC'), COST));
  }

  /**
   * Takes the same time for an account without a password and for none at all.
   *
   * @param kept - undefined for those.
   * @throws {@link ApiError} `RATE_LIMITED` while too many wait.
   */
  async verify(kept: string | undefined, password: string): Promise<boolean> {
    this.#nobodys ??= hash('nobody has this password', COST);
    const against = kept ?? (await this.#nobodys);
    const fits = await this.#inTurn(() => verify(against, password.normalize('NFKC')));
    return kept !== undefined && fits;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING) throw new ApiError('RATE_LIMITED', 'too many are signing in; try again');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place goes to who waits longest, or is free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
