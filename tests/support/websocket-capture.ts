/**
 * A recorded HTTP/1.1 connection that became a WebSocket, taken apart: head, frames, messages. Written from RFC 6455 and
 * independent of the library that made the frames. It refuses what it does not understand, so nothing hides in it.
 */

export interface Frame {
  readonly fin: boolean;
  /** RSV1..3 as a number, 0 to 7. RSV1 marks a compressed message (RFC 7692 section 6). */
  readonly reserved: number;
  readonly opcode: number;
  readonly masked: boolean;
  /** Unmasked. */
  readonly payload: Buffer;
  /** With its header. */
  readonly wireBytes: number;
}

export interface Message {
  readonly kind: 'text' | 'binary' | 'control';
  readonly payload: Buffer;
  /** Of all frames of the message, headers included. */
  readonly wireBytes: number;
}

export interface Stream {
  /** HTTP request or response, with its last empty line. */
  readonly head: Buffer;
  readonly frames: readonly Frame[];
}

const CONTINUATION = 0;
const TEXT = 1;
const FIRST_CONTROL = 8;

/** @throws Error for a stream that ends within a frame: then part of the capture would go unsearched. */
export function parseStream(bytes: Buffer): Stream {
  const headEnd = bytes.indexOf('\r\n\r\n') + 4;
  if (headEnd < 4) throw new Error('the stream does not begin with an HTTP head');
  const frames: Frame[] = [];
  for (let at = headEnd; at < bytes.length;) {
    const frame = frameAt(bytes, at);
    frames.push(frame);
    at += frame.wireBytes;
  }
  return { head: bytes.subarray(0, headEnd), frames };
}

/** RFC 6455 section 5.2. */
function frameAt(bytes: Buffer, start: number): Frame {
  const first = bytes.readUInt8(start);
  const second = bytes.readUInt8(start + 1);
  let at = start + 2;
  let length = second & 0x7f;
  if (length === 126) {
    length = bytes.readUInt16BE(at);
    at += 2;
  } else if (length === 127) {
    length = Number(bytes.readBigUInt64BE(at));
    at += 8;
  }
  const masked = (second & 0x80) !== 0;
  const key = masked ? bytes.subarray(at, at + 4) : undefined;
  if (masked) at += 4;
  if (at + length > bytes.length) throw new Error('the stream ends within a frame');
  const payload = Buffer.from(bytes.subarray(at, at + length));
  if (key !== undefined) for (let k = 0; k < payload.length; k++) payload[k] = (payload[k] ?? 0) ^ (key[k % 4] ?? 0);
  return {
    fin: (first & 0x80) !== 0,
    reserved: (first >> 4) & 7,
    opcode: first & 0xf,
    masked,
    payload,
    wireBytes: at + length - start,
  };
}

/** Joins fragments (RFC 6455 section 5.4); control frames may stand between them. @throws Error for loose fragments. */
export function messagesOf(frames: readonly Frame[]): Message[] {
  const messages: Message[] = [];
  let open: Frame[] = [];
  for (const frame of frames) {
    if (frame.opcode >= FIRST_CONTROL) {
      messages.push({ kind: 'control', payload: frame.payload, wireBytes: frame.wireBytes });
      continue;
    }
    if ((frame.opcode === CONTINUATION) !== open.length > 0) throw new Error('a fragment without its message');
    open.push(frame);
    if (!frame.fin) continue;
    messages.push({
      kind: open[0]?.opcode === TEXT ? 'text' : 'binary',
      payload: Buffer.concat(open.map(({ payload }) => payload)),
      wireBytes: open.reduce((sum, { wireBytes }) => sum + wireBytes, 0),
    });
    open = [];
  }
  if (open.length > 0) throw new Error('a message without its last fragment');
  return messages;
}
