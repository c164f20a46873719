/** Blob bytes as rows of at most 1 MiB, so that neither side ever holds a whole blob. They are deleted with their blob's row. */
import type { BlobContents } from './blobs.js';
import { bytes as bytesOf, count, type Query } from './database.js';

const PIECE_BYTES = 1 << 20;

export const blobPieces: BlobContents = {
  async receivedBytes(query, content) {
    const [last] = await query(
      'SELECT first_byte + size_bytes AS received FROM blob_piece WHERE content = $1 ORDER BY first_byte DESC LIMIT 1',
      [content],
    );
    return last === undefined ? 0 : count(last, 'received');
  },

  async write(query, content, offset, bytes) {
    for (let done = 0; done < bytes.length; done += PIECE_BYTES) {
      const piece = bytes.subarray(done, done + PIECE_BYTES);
      await query('INSERT INTO blob_piece (content, first_byte, size_bytes, bytes) VALUES ($1, $2, $3, $4)', [
        content,
        offset + done,
        piece.length,
        piece,
      ]);
    }
  },

  async read(query, content, offset, out) {
    let done = 0;
    while (done < out.length) {
      const piece = await pieceAt(query, content, offset + done);
      if (piece === undefined) break;
      const part = piece.subarray(0, out.length - done);
      out.set(part, done);
      done += part.length;
    }
    return out.subarray(0, done);
  },

  // The commit of each piece was durable.
  sync: () => Promise.resolve(),
  discard: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** @returns what the piece that covers this byte holds from there on. */
async function pieceAt(query: Query, content: string, byte: number): Promise<Uint8Array | undefined> {
  const [row] = await query(
    `SELECT first_byte, bytes FROM blob_piece WHERE content = $1 AND first_byte <= $2 AND first_byte + size_bytes > $2
     ORDER BY first_byte DESC LIMIT 1`,
    [content, byte],
  );
  return row && bytesOf(row, 'bytes').subarray(byte - count(row, 'first_byte'));
}
