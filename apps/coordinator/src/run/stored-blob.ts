/** Whole blobs out of the store, piece by piece. */
import { StoreError, type BlobStore } from '@consilium/store';

const PIECE_BYTES = 1_048_576;

/** @throws {@link StoreError} `BLOB_UNKNOWN`. */
export async function readBlob(blobs: BlobStore, runId: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const sizeBytes = await blobs.size(runId, name);
  if (sizeBytes === undefined) throw new StoreError('BLOB_UNKNOWN', 'the store has no such blob');
  const whole = new Uint8Array(sizeBytes);
  for (let offset = 0; offset < sizeBytes; offset += PIECE_BYTES) {
    const room = whole.subarray(offset, offset + PIECE_BYTES);
    const piece = await blobs.read(runId, name, offset, room.length, room);
    if (piece.buffer !== whole.buffer) room.set(piece);
  }
  return whole;
}

/**
 * A blob in pieces, the next one read while the caller is at work on one. A piece is the caller's until it asks for the next:
 * two arrays take turns, because V8 collects its whole heap for every few megabytes that are allocated outside of it.
 *
 * @throws {@link StoreError} `BLOB_UNKNOWN`.
 */
export async function* blobPieces(
  blobs: BlobStore,
  runId: string,
  name: string,
  pieceBytes = PIECE_BYTES,
): AsyncGenerator<Uint8Array, void> {
  const sizeBytes = await blobs.size(runId, name);
  if (sizeBytes === undefined) throw new StoreError('BLOB_UNKNOWN', 'the store has no such blob');
  const rooms = [0, 1].map(() => new Uint8Array(Math.min(pieceBytes, sizeBytes)));
  const read = (offset: number): Promise<Uint8Array> => {
    const room = rooms[(offset / pieceBytes) % 2];
    const piece = blobs.read(runId, name, offset, Math.min(pieceBytes, sizeBytes - offset), room);
    // It may never be asked for.
    piece.catch(() => undefined);
    return piece;
  };
  let next = read(0);
  for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
    const piece = await next;
    if (offset + pieceBytes < sizeBytes) next = read(offset + pieceBytes);
    yield piece;
  }
}

/** Writes a blob that the coordinator made itself; again is harmless. */
export async function writeBlob(
  blobs: BlobStore,
  lease: Parameters<BlobStore['begin']>[0],
  runId: string,
  { name, bytes, digest }: { readonly name: string; readonly bytes: Uint8Array; readonly digest: string },
): Promise<void> {
  if ((await blobs.size(runId, name)) !== undefined) return;
  await blobs.begin(lease, runId, name, bytes.length);
  let offset = (await blobs.received(runId, name)) ?? 0;
  while (offset < bytes.length) {
    offset = await blobs.append(lease, runId, name, offset, bytes.subarray(offset, offset + PIECE_BYTES));
  }
  await blobs.complete(lease, runId, name, digest);
}
