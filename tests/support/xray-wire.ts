/** The recording of an X-ray run, taken apart: who sent what, which updates were in it, and what must not have been. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { standardise } from '@consilium/backbone';
import { fromHex } from '@consilium/bytes';
import { openSealedUpdate, verifyStrict } from '@consilium/crypto';
import { decodeImage } from '@consilium/imaging';
import { openStatement, requests, type Opened, type RequestName } from '@consilium/protocol';
import type { Needle } from './leak-search.js';
import { messagesOf, parseStream, type Stream } from './websocket-capture.js';
import { packetsOf, type Packet } from './wire-census.js';
import type { XrayHospital, XrayRun } from './xray-run.js';

export interface Wire {
  readonly hospital: XrayHospital;
  readonly up: Stream;
  readonly down: Stream;
  readonly sent: readonly Packet[];
  readonly heard: readonly Packet[];
}

const bytesOf = (values: Float32Array | Uint16Array): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

export function takeApart(hospital: XrayHospital): Wire {
  const [connection, ...others] = hospital.connections;
  if (connection === undefined || others.length > 0) throw new Error(`${hospital.id} made other than one connection`);
  const up = parseStream(Buffer.concat(connection.up));
  const down = parseStream(Buffer.concat(connection.down));
  return { hospital, up, down, sent: packetsOf(messagesOf(up.frames)), heard: packetsOf(messagesOf(down.frames)) };
}

/** What a searcher sees: heads and unmasked payloads, each direction in one piece. */
export const payloadsOf = (wires: readonly Wire[]): Buffer[] =>
  wires.flatMap(({ up, down }) =>
    [up, down].flatMap(({ head, frames }) => [head, ...frames.map(({ payload }) => payload)]),
  );

/** Messages to the coordinator by name; whether they have the form of a request is not checked. */
export function requestsOf({ sent }: Wire): (Extract<Packet, { kind: 'event' }> & { readonly name: RequestName })[] {
  return sent.flatMap((packet) => (packet.kind === 'event' ? [{ ...packet, name: packet.name as RequestName }] : []));
}

/**
 * Every update that left, as the coordinator opens it.
 *
 * @throws Error if a statement or seal does not verify, or captured chunks do not have the digest that was signed: then
 *   the recording was not understood.
 */
export function openUpdates(run: XrayRun, wire: Wire): Buffer[] {
  const key = run.config.roster.find(({ hospitalId }) => hospitalId === wire.hospital.id)?.identityKey ?? '';
  const all = requestsOf(wire);
  return all
    .filter(({ name }) => name === 'update.offer')
    .map(({ body }) => {
      const { statement } = requests['update.offer'].parse(body);
      const offer: Opened<'update'> = openStatement('update', statement, (bytes, signature) =>
        verifyStrict(fromHex(key), bytes, signature),
      );
      const { blobDigest, from, round } = offer.body;
      const chunks = all.filter(
        ({ name, body }) => name === 'update.chunk' && (body as { digest: string }).digest === blobDigest,
      );
      const sealed = Buffer.concat(chunks.flatMap(({ attachments }) => attachments));
      if (createHash('sha256').update(sealed).digest('hex') !== blobDigest)
        throw new Error('chunks are missing in the capture');
      const secret = run.roundSecrets[round - 1] ?? new Uint8Array();
      return Buffer.from(openSealedUpdate(sealed, secret, { ...offer.body, hospitalId: from }));
    });
}

/** Everything of which not 32 bytes may leave: files, pixels, tensors, and the embeddings in the cache. */
export async function needlesOf(run: XrayRun, { images, home, id }: XrayHospital): Promise<Needle[]> {
  const found: Needle[] = [];
  for (const { file, pixels, fileName } of images) {
    const add = (kind: string, bytes: Buffer): unknown => found.push({ name: `${kind} of ${fileName}`, bytes });
    add('file', file);
    add('8-bit pixels', Buffer.from(pixels.map((level) => level >>> 8)));
    add('16-bit pixels, little-endian', bytesOf(pixels));
    add('16-bit pixels, big-endian', Buffer.from(bytesOf(pixels)).swap16());
    add('preprocessed tensor', bytesOf(await decodeImage(file)));
  }
  const cache = join(home, 'cache');
  const embeddings = (await readdir(cache)).filter((name) => !name.endsWith('.json'));
  for (const [k, name] of embeddings.entries()) {
    const raw = new Float32Array(Uint8Array.from((await readFile(join(cache, name))).subarray(0, 4 * 2_048)).buffer);
    found.push({ name: `embedding ${k} of ${id}`, bytes: bytesOf(raw) });
    found.push({ name: `standardised embedding ${k} of ${id}`, bytes: bytesOf(standardise(raw, 1, run.backbone)) });
  }
  return found;
}
