/**
 * Updates on their way in: the signed statement first, then chunks, then the commit. At most one at a time for a hospital
 * and run, never larger than the plan implies, and what is cut off is taken up where it ended, also after a crash.
 */
import { ProtocolError, type HospitalId, type Request } from '@consilium/protocol';
import { StoreError, type Lease, type RunStore } from '@consilium/store';
import type { Conductor } from '../run/conductor.js';
import type { Progress } from '../run/progress.js';
import { updateName } from '../run/sealed-sum.js';
import { checkOf, isCounted, refusalOf, requireOpenRound, take, type UploadStatement } from './update-kinds.js';
import { Upload } from './upload.js';

/** The desk serves hospitals one by one; two runs of one hospital do not share an upload. */
const keyOf = (hospitalId: HospitalId, runId: string): string => `${hospitalId}/${runId}`;

export class Uploads {
  readonly #open = new Map<string, Upload>();

  constructor(
    private readonly store: Pick<RunStore, 'blobs'>,
    private readonly lease: () => Lease,
  ) {}

  /** @returns How much of this very update is already here: all of it, when it counts already. */
  async offer(
    hospitalId: HospitalId,
    statement: UploadStatement,
    conductor: Conductor,
  ): Promise<{ receivedBytes: number }> {
    const { body, digest } = statement;
    if (body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
    if (this.#isCounted(conductor, statement)) return { receivedBytes: body.blobBytes };
    const place = keyOf(hospitalId, body.runId);
    const open = this.#open.get(place);
    const name = updateName(body, { hospitalId, blobDigest: body.blobDigest });
    // In turn: the other one may be about to count, and then its bytes are not ours to remove.
    if (open !== undefined && open.statement.digest !== digest) {
      await open.inTurn(async () => {
        if (!this.#isCounted(conductor, open.statement)) await this.#discard(place, open);
      });
    }
    this.#check(conductor, statement);
    const { blobs } = this.store;
    await blobs.begin(this.lease(), body.runId, name, body.blobBytes);
    const receivedBytes = (await blobs.received(body.runId, name)) ?? 0;
    try {
      this.#check(conductor, statement);
    } catch (error) {
      // The round has closed meanwhile, and what it leaves was tidied up already.
      if (!this.#isCounted(conductor, statement)) await blobs.remove(this.lease(), body.runId, name);
      throw error;
    }
    if (this.#open.get(place)?.statement.digest !== digest) {
      // Of one that was begun before a crash, the beginning does not pass through here.
      const check = receivedBytes === 0 ? checkOf(conductor, statement) : undefined;
      this.#open.set(place, new Upload(statement, name, blobs, this.lease, receivedBytes, check));
    }
    return { receivedBytes };
  }

  async chunk(
    hospitalId: HospitalId,
    { runId, digest, offset, bytes }: Request<'update.chunk'>,
  ): Promise<{ receivedBytes: number }> {
    const upload = this.#find(hospitalId, runId, digest);
    const receivedBytes = await upload.take(offset, bytes).catch((error: unknown) => {
      throw chunkRefusal(error);
    });
    return { receivedBytes };
  }

  /** Checks the update in full; then it counts, or not. */
  async commit(
    hospitalId: HospitalId,
    { runId, digest }: Request<'update.commit'>,
    conductor: Conductor,
  ): Promise<object> {
    // The ack of the first commit was lost with its line.
    if (isCounted(conductor, hospitalId, digest)) return {};
    const upload = this.#find(hospitalId, runId, digest);
    return upload.inTurn(async () => {
      // Also when that has closed the round: the bytes of an update that counts stay until they are summed.
      if (this.#isCounted(conductor, upload.statement)) return {};
      try {
        // Again, and not only at the offer: the round may have closed while the chunks travelled.
        this.#check(conductor, upload.statement);
        requireOpenRound(conductor);
      } catch (error) {
        await this.#discard(keyOf(hospitalId, runId), upload);
        throw error;
      }
      const { blobs } = this.store;
      await blobs.complete(this.lease(), runId, upload.name, digest).catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'DIGEST_MISMATCH') this.#forget(keyOf(hospitalId, runId));
        const isShort = error instanceof StoreError && error.code === 'BLOB_GAP';
        throw isShort ? new ProtocolError('UPDATE_SIZE', 'bytes are missing') : chunkRefusal(error);
      });
      let counted: boolean;
      try {
        // The blob is durable; when the event is too, the update counts whatever happens to this process.
        counted = await take(conductor, upload, blobs);
      } catch (error) {
        if (error instanceof ProtocolError) await this.#discard(keyOf(hospitalId, runId), upload);
        throw error;
      }
      if (!counted) await this.#discard(keyOf(hospitalId, runId), upload);
      this.#forget(keyOf(hospitalId, runId));
      if (!counted) throw new ProtocolError('ROUND_CLOSED');
      return {};
    });
  }

  /** Of a round that is done, and of a run that is over or cannot go on. */
  note(step: Progress): void {
    if (step.event === 'round-done' || step.event === 'ended' || step.event === 'run-failed') this.forget(step.run);
  }

  /** Nobody waits for the bytes of a round that is over; the store's copy goes with the round's folder. */
  forget(runId: string): void {
    for (const [place, { statement }] of this.#open) {
      if (statement.body.runId === runId) this.#forget(place);
    }
  }

  #forget(place: string): void {
    this.#open.get(place)?.close();
    this.#open.delete(place);
  }

  #isCounted(conductor: Conductor, { body }: UploadStatement): boolean {
    return isCounted(conductor, body.from, body.blobDigest);
  }

  /** @throws {@link ProtocolError} unless this update may still count. */
  #check(conductor: Conductor, statement: UploadStatement): void {
    const refusal = refusalOf(conductor, statement);
    if (refusal !== undefined) throw new ProtocolError(refusal);
  }

  async #discard(place: string, { statement, name }: Upload): Promise<void> {
    this.#forget(place);
    await this.store.blobs.remove(this.lease(), statement.body.runId, name);
  }

  #find(hospitalId: HospitalId, runId: string, digest: string): Upload {
    const open = this.#open.get(keyOf(hospitalId, runId));
    if (open?.statement.body.blobDigest !== digest) throw new ProtocolError('UPDATE_NOT_OFFERED');
    return open;
  }
}

/** What the store says of a chunk, in the words of the protocol; anything else is the store's own trouble. */
function chunkRefusal(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.code) {
    case 'BLOB_GAP':
      return new ProtocolError('CHUNK_OUT_OF_ORDER');
    case 'BLOB_TOO_LARGE':
      return new ProtocolError('UPDATE_SIZE');
    case 'BLOB_UNKNOWN':
      return new ProtocolError('UPDATE_NOT_OFFERED');
    case 'DIGEST_MISMATCH':
      return new ProtocolError('DIGEST_MISMATCH');
    default:
      return error;
  }
}
