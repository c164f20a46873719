/** One line to the desk: who is on it, how fast it may speak, and how much waits for it. */
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import { toHex } from '@consilium/bytes';
import { ProtocolError } from '@consilium/protocol';
import type { Member } from '../run/office.js';
import { RateLimit } from './rate.js';
import type { Session } from './session.js';

/** What the desk needs of a socket. */
export interface Line {
  readonly id: string;
  cut(): void;
  /** What is written and not yet taken by the network; absent: nothing ever waits. */
  unsentBytes?(): number;
}

/** Of answers to one hospital: a slow reader waits for itself, and not in our memory. */
const UNSENT_BYTES = 524_288;
/** Reads of one hospital that wait for that, each without its bytes; an honest one asks for four at a time. */
const WAITING_READS = 256;
/**
 * A line with more than this unsent takes nothing any more: small answers and what is pushed do not wait, and have piled up.
 * It is cut, and its hospital is told what it missed when it synchronises.
 */
export const STUCK_BYTES = 8_388_608;

export class Caller {
  readonly rate = new RateLimit();
  refusedBefore = false;
  /** Above its rate, and told so; its line is about to be cut. */
  isFlooding = false;
  /** Why it is no hospital any more; its line is about to be cut. */
  expelled: 'HOSPITAL_REVOKED' | 'SIGNATURE_INVALID' | undefined;
  isHere = true;
  #waitingReads = 0;
  /** The read before: one answer is written before the next one is made. */
  #lastRead: Promise<void> = Promise.resolve();

  constructor(
    readonly session: Session,
    readonly line: Line,
  ) {}

  /** @throws {@link ProtocolError} `NOT_AUTHENTICATED`. */
  get member(): Member {
    const { hospitalId, key } = this.session.authenticated();
    return { hospitalId, identityKey: toHex(key) };
  }

  /** See {@link STUCK_BYTES}. */
  get isStuck(): boolean {
    return (this.line.unsentBytes?.() ?? 0) > STUCK_BYTES;
  }

  /** Resolves when the line has taken most of what was written to it. @throws {@link ProtocolError} `RATE_LIMITED`. */
  async drained(): Promise<void> {
    if (this.#waitingReads >= WAITING_READS) throw new ProtocolError('RATE_LIMITED');
    this.#waitingReads += 1;
    this.#lastRead = this.#lastRead.then(async () => {
      // By then the answer before is written: else all that came in one packet would find nothing unsent.
      await nextTurn();
      while (this.isHere && (this.line.unsentBytes?.() ?? 0) > UNSENT_BYTES) await setTimeout(10);
      this.#waitingReads -= 1;
    });
    await this.#lastRead;
  }
}
