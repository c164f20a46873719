/**
 * Every message of a captured connection by what it is in the protocol: engine.io and socket.io packets (protocol
 * revision 4 and 5), written out here. A message that is none of them is an error: nothing on the wire goes unexplained.
 */
import type { Message } from './websocket-capture.js';

export type Packet =
  /** Opening, keeping open and closing the connection. */
  | { readonly kind: 'connection'; readonly text: string; readonly wireBytes: number }
  | {
      readonly kind: 'event';
      readonly name: string;
      readonly body: unknown;
      readonly attachments: readonly Buffer[];
      readonly wireBytes: number;
    }
  | {
      readonly kind: 'ack';
      readonly body: unknown;
      readonly attachments: readonly Buffer[];
      readonly wireBytes: number;
    };

/** `0{...}` open, `1` close, `2` ping, `3` pong, `40` and `40{"sid":...}` connect, `41` disconnect. */
const CONNECTION = /^(?:0\{"sid":"[^"]{20}","upgrades":\[\],("\w+":\d+,?)+\}|1|2|3|40|40\{"sid":"[^"]{20}"\}|41)$/;
/** Event or ack; with attachments it says how many. */
const EVENT_OR_ACK = /^4(?:([23])|([56])(\d+)-)(\d*)(\[[^]*\])$/;

/** @throws Error for a message that is no packet, or an attachment too many or too few. */
export function packetsOf(messages: readonly Message[]): Packet[] {
  const queue = [...messages];
  const packets: Packet[] = [];
  for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
    const text = message.payload.toString();
    let { wireBytes } = message;
    if (message.kind === 'control') {
      if (message.payload.length > 2) throw new Error('a WebSocket control frame carries more than a status');
      packets.push({ kind: 'connection', text: `control ${message.payload.toString('hex')}`, wireBytes });
      continue;
    }
    if (message.kind === 'binary') throw new Error('bytes that no packet announced');
    if (CONNECTION.test(text)) {
      packets.push({ kind: 'connection', text, wireBytes });
      continue;
    }
    const [, plain, withBytes, count = '0', , json] = EVENT_OR_ACK.exec(text) ?? [];
    if (json === undefined) throw new Error(`not a packet: ${text.slice(0, 40)}`);
    const attachments = Array.from({ length: Number(count) }, () => {
      const attachment = queue.shift();
      if (attachment?.kind !== 'binary') throw new Error('an announced attachment is missing');
      wireBytes += attachment.wireBytes;
      return attachment.payload;
    });
    const values = JSON.parse(json, (_, value: unknown) => attached(value, attachments)) as unknown[];
    const isEvent = plain === '2' || withBytes === '5';
    if (values.length !== (isEvent ? 2 : 1)) throw new Error('a packet with other arguments than one body');
    const [name, body] = isEvent ? [String(values[0]), values[1]] : ['', values[0]];
    packets.push(
      isEvent ? { kind: 'event', name, body, attachments, wireBytes } : { kind: 'ack', body, attachments, wireBytes },
    );
  }
  return packets;
}

function attached(value: unknown, attachments: readonly Buffer[]): unknown {
  const placeholder = value as { _placeholder?: unknown; num?: unknown } | null;
  if (typeof placeholder !== 'object' || placeholder?._placeholder !== true) return value;
  return attachments[Number(placeholder.num)];
}
