/** One line of egress.jsonl: what left, and the digest of the line before it. */
import { z } from 'zod';
import { sha256Hex, utf8 } from '@consilium/bytes';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

export const entrySchema = z.strictObject({
  /** From 1, without gaps, over all files of the journal. */
  seq: z.int().min(1),
  time: z.iso.datetime(),
  type: z.string().max(64),
  /** Messages in this entry: 1, but for the chunks of one transfer. */
  messages: z.int().min(1),
  /** As handed to socket.io: JSON text, or the raw bytes of chunks. */
  sizeBytes: z.int().min(0),
  /** SHA-256 over those bytes in the order in which they left. */
  sha256: hex,
  purpose: z.string().max(200),
  runId: z.string().max(63).nullable(),
  round: z.int().min(1).nullable(),
  /** SHA-256 of the line before, without its end; 64 zeros for the first. */
  prev: hex,
});

export type Entry = z.infer<typeof entrySchema>;

export const NOTHING_BEFORE = '0'.repeat(64);

/** What the next entry names as the one before. @param line - without its end. */
export const digestOfLine = (line: string): string => sha256Hex(utf8(line));
