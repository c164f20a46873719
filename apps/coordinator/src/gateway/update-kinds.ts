/**
 * What an upload is: a sealed update, which the coordinator opens while it comes, or under a robust rule only when the round
 * has closed; or a masked vector, which nobody can open.
 */
import { sealedSizeBytes } from '@consilium/crypto';
import { ProtocolError, type HospitalId, type Opened, type RefusalCode, type RunConfig } from '@consilium/protocol';
import { refuseUpdate, refuseWord } from '@consilium/rounds';
import type { BlobStore } from '@consilium/store';
import type { Conductor } from '../run/conductor.js';
import { SealedCheck } from '../run/sealed-check.js';
import { blobPieces, readBlob } from '../run/stored-blob.js';
import type { Upload } from './upload.js';

export type UploadStatement = Opened<'update'> | Opened<'masked'>;

const isMasked = (statement: UploadStatement): statement is Opened<'masked'> => 'yRoot' in statement.body;

/** A robust rule compares updates: all are committed to before one is opened, and what is wrong with one excludes it then. */
const isOpenedLater = ({ aggregation }: RunConfig): boolean => aggregation !== undefined;

/** Why it may not count; undefined if it may. From its signed statement alone, before a byte of it is stored. */
export function refusalOf({ state, config, secure }: Conductor, statement: UploadStatement): RefusalCode | undefined {
  if (isMasked(statement)) {
    if (secure === undefined) return 'MODE_MISMATCH';
    const refusal = refuseWord(state, 'masking', statement.body);
    return refusal ?? (statement.body.blobBytes === secure.vectorBytes ? undefined : 'UPDATE_SIZE');
  }
  if (secure !== undefined) return 'MODE_MISMATCH';
  return refuseUpdate(state, statement.body, sealedSizeBytes(4 * config.body.parameters));
}

/** Whether this very upload is part of the round that is collected, masked or summed now. */
export function isCounted({ state }: Conductor, hospitalId: HospitalId, blobDigest: string): boolean {
  if ('said' in state) return state.said.masking.get(hospitalId)?.blob?.digest === blobDigest;
  if (state.phase === 'collecting') return state.received.get(hospitalId)?.blobDigest === blobDigest;
  if (state.phase !== 'aggregating') return false;
  return state.updates.some((update) => update.hospitalId === hospitalId && update.blobDigest === blobDigest);
}

/** @throws {@link ProtocolError} `ROUND_CLOSED` unless the round is still open for it. */
export function requireOpenRound({ openRound, secure }: Conductor): void {
  if (openRound === undefined && secure?.vectorBytes === undefined) throw new ProtocolError('ROUND_CLOSED');
}

/** Of a sealed update while it arrives. @returns undefined when no round is open, and for what is not opened now. */
export function checkOf({ openRound, config }: Conductor, statement: UploadStatement): SealedCheck | undefined {
  if (openRound === undefined || isMasked(statement) || isOpenedLater(config.body)) return undefined;
  const { body } = statement;
  return new SealedCheck(body.blobBytes, openRound.secretKey, { ...body, hospitalId: body.from }, config.body);
}

/**
 * Checks the whole of an update that is durable, and lets it count.
 *
 * @returns Whether it counts: the round may have closed.
 * @throws {@link ProtocolError} `SEAL_INVALID`, `UPDATE_NOT_FINITE`, `UPDATE_NOT_CLIPPED`; `SECAGG_REFUSED`; `ROUND_CLOSED`.
 */
export async function take(conductor: Conductor, upload: Upload, blobs: BlobStore): Promise<boolean> {
  const { statement, name } = upload;
  const { runId } = statement.body;
  const { secure } = conductor;
  if (isMasked(statement)) {
    if (secure === undefined) throw new ProtocolError('MODE_MISMATCH');
    // One vector is held at a time, however many hospitals are done at once.
    return secure.oneByOne(async () => {
      const { buffer } = await readBlob(blobs, runId, name);
      return secure.hear('masking', statement, { vector: new Uint32Array(buffer) });
    });
  }
  if (isOpenedLater(conductor.config.body)) return conductor.acceptUpdate(statement);
  const check = upload.checked() ?? (await readCheck(conductor, statement, name, blobs));
  if (check === undefined) throw new ProtocolError('ROUND_CLOSED');
  check.end();
  return conductor.acceptUpdate(statement);
}

/** Of a complete update that did not pass through here in one piece. @returns undefined when its round is over. */
async function readCheck(
  conductor: Conductor,
  statement: Opened<'update'>,
  name: string,
  blobs: BlobStore,
): Promise<SealedCheck | undefined> {
  const check = checkOf(conductor, statement);
  if (check === undefined) return undefined;
  for await (const piece of blobPieces(blobs, statement.body.runId, name)) check.push(piece);
  return check;
}
