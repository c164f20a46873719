/**
 * What this hospital remembers of its runs, so that a crash makes it neither train twice on a plan nor send a second update:
 *
 *     runs/<run>/memory.json   runs/<run>/update.json   runs/<run>/update.sealed   runs/<run>/secure.json   runs/<run>/done
 *
 * The update lies there sealed, as it leaves, until the coordinator has acknowledged it.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest, Envelope, RunId } from '@consilium/protocol';
import type { Memory } from '@consilium/rounds';
import type { HospitalRecord } from '@consilium/secagg';
import { isMissing, writeDurably } from '../durable-file.js';
import type { Outgoing } from './round.js';

export interface RunMemory {
  read(runId: RunId): Promise<Memory | undefined>;
  /** Durable when it resolves: what follows from it may then be done. */
  write(runId: RunId, memory: Memory): Promise<void>;
  readOutgoing(runId: RunId): Promise<Outgoing | undefined>;
  writeOutgoing(runId: RunId, outgoing: Outgoing): Promise<void>;
  eraseOutgoing(runId: RunId): Promise<void>;
  /** What was said in secure rounds; undefined before the first. */
  readSecure(runId: RunId): Promise<HospitalRecord | undefined>;
  /** Durable when it resolves. */
  writeSecure(runId: RunId, record: HospitalRecord): Promise<void>;
  /** The run is over for this hospital, results included: it is not taken up again. */
  finish(runId: RunId): Promise<void>;
  isFinished(runId: RunId): Promise<boolean>;
}

export class FolderMemory implements RunMemory {
  /** @param directory - the hospital's home. The ids of runs are checked by the protocol: none leads out of it. */
  constructor(private readonly directory: string) {}

  async read(runId: RunId): Promise<Memory | undefined> {
    const text = await this.#read(runId, 'memory.json');
    return text === undefined ? undefined : (JSON.parse(text.toString('utf8')) as Memory);
  }

  write(runId: RunId, memory: Memory): Promise<void> {
    return this.#write(runId, 'memory.json', JSON.stringify(memory));
  }

  async readOutgoing(runId: RunId): Promise<Outgoing | undefined> {
    const text = await this.#read(runId, 'update.json');
    const sealed = await this.#read(runId, 'update.sealed');
    if (text === undefined || sealed === undefined) return undefined;
    const { statement, blobDigest } = JSON.parse(text.toString('utf8')) as { statement: Envelope; blobDigest: Digest };
    return { statement, blobDigest, sealed: Uint8Array.from(sealed) };
  }

  async writeOutgoing(runId: RunId, { statement, blobDigest, sealed }: Outgoing): Promise<void> {
    await this.#write(runId, 'update.sealed', sealed);
    await this.#write(runId, 'update.json', JSON.stringify({ statement, blobDigest }));
  }

  async eraseOutgoing(runId: RunId): Promise<void> {
    // The statement first: without it the bytes are nobody's.
    for (const name of ['update.json', 'update.sealed']) await rm(this.#path(runId, name), { force: true });
  }

  async readSecure(runId: RunId): Promise<HospitalRecord | undefined> {
    const text = await this.#read(runId, 'secure.json');
    return text === undefined ? undefined : (JSON.parse(text.toString('utf8')) as HospitalRecord);
  }

  writeSecure(runId: RunId, record: HospitalRecord): Promise<void> {
    return this.#write(runId, 'secure.json', JSON.stringify(record));
  }

  async finish(runId: RunId): Promise<void> {
    await this.#write(runId, 'done', '');
    await this.eraseOutgoing(runId);
  }

  async isFinished(runId: RunId): Promise<boolean> {
    return (await this.#read(runId, 'done')) !== undefined;
  }

  #path(runId: RunId, name: string): string {
    return join(this.directory, 'runs', runId, name);
  }

  async #read(runId: RunId, name: string): Promise<Buffer | undefined> {
    return readFile(this.#path(runId, name)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
  }

  #write(runId: RunId, name: string, content: string | Uint8Array): Promise<void> {
    return writeDurably(this.#path(runId, name), content);
  }
}
