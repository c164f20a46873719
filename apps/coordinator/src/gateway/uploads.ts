/**
 * Updates on their way in: the signed statement first, then chunks, then the commit. At most one at a time for a
 * hospital, never larger than the plan implies, and what is cut off can be taken up where it ended.
 */
import { sealedSizeBytes, verifyStrict } from '@consilium/crypto';
import { openStatement, ProtocolError, type HospitalId, type Opened, type Request } from '@consilium/protocol';
import { refuseUpdate } from '@consilium/rounds';
import type { IncomingBlob } from '../run/blob-folder.js';
import type { Conductor, ConductorPorts } from '../run/conductor.js';
import { checkSealedUpdate } from '../run/sealed-sum.js';

interface Upload {
  readonly statement: Opened<'update'>;
  readonly blob: IncomingBlob;
}

export class Uploads {
  readonly #open = new Map<HospitalId, Upload>();

  constructor(
    private readonly conductor: Conductor,
    private readonly blobs: ConductorPorts['blobs'],
  ) {}

  /** @returns How much of this very update is already here. */
  offer(hospitalId: HospitalId, key: Uint8Array, request: Request<'update.offer'>): { receivedBytes: number } {
    const statement = openStatement('update', request.statement, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    const { body, digest } = statement;
    const { runId, parameters } = this.conductor.config.body;
    if (body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
    if (body.runId !== runId) throw new ProtocolError('RUN_UNKNOWN');
    const refusal = refuseUpdate(this.conductor.state, body, sealedSizeBytes(4 * parameters));
    if (refusal !== undefined) throw new ProtocolError(refusal);
    const open = this.#open.get(hospitalId);
    if (open?.statement.digest === digest) return { receivedBytes: open.blob.receivedBytes };
    open?.blob.discard();
    this.#open.set(hospitalId, {
      statement,
      blob: this.blobs.begin({ hospitalId, blobDigest: body.blobDigest }, body.blobBytes),
    });
    return { receivedBytes: 0 };
  }

  chunk(hospitalId: HospitalId, { digest, offset, bytes }: Request<'update.chunk'>): { receivedBytes: number } {
    const { blob } = this.#find(hospitalId, digest);
    blob.append(offset, bytes);
    return { receivedBytes: blob.receivedBytes };
  }

  /** Checks the update in full; then it counts, or not. */
  async commit(hospitalId: HospitalId, { digest }: Request<'update.commit'>): Promise<object> {
    const { statement, blob } = this.#find(hospitalId, digest);
    const { body } = statement;
    // Again, and not only at the offer: the round may have closed while the chunks travelled.
    const refusal = refuseUpdate(this.conductor.state, body, blob.sizeBytes);
    const round = this.conductor.openRound;
    if (refusal !== undefined || round === undefined) {
      this.#discard(hospitalId);
      throw new ProtocolError(refusal ?? 'ROUND_CLOSED');
    }
    try {
      blob.complete();
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'DIGEST_MISMATCH') this.#open.delete(hospitalId);
      throw error;
    }
    this.#open.delete(hospitalId);
    const owner = { hospitalId, blobDigest: digest };
    try {
      checkSealedUpdate(this.blobs.read(owner), round.secretKey, { ...body, hospitalId }, this.conductor.config.body);
      if (!(await this.conductor.acceptUpdate(body))) throw new ProtocolError('ROUND_CLOSED');
    } catch (error) {
      this.blobs.remove(owner);
      throw error;
    }
    return {};
  }

  /** Unfinished uploads of rounds that are over. */
  clear(): void {
    for (const hospitalId of [...this.#open.keys()]) this.#discard(hospitalId);
  }

  #discard(hospitalId: HospitalId): void {
    this.#open.get(hospitalId)?.blob.discard();
    this.#open.delete(hospitalId);
  }

  #find(hospitalId: HospitalId, digest: string): Upload {
    const open = this.#open.get(hospitalId);
    if (open?.statement.body.blobDigest !== digest) throw new ProtocolError('UPDATE_NOT_OFFERED');
    return open;
  }
}
