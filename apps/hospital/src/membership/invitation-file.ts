/** The file that a coordinator sent, or that somebody wants us to take for it. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fromHex, sha256Hex } from '@consilium/bytes';
import { CODE_WORDS, digestWords, verifyStrict } from '@consilium/crypto';
import {
  limits,
  openSelfSigned,
  parseUnverified,
  ProtocolError,
  type Digest,
  type Invitation,
} from '@consilium/protocol';
import { HospitalError } from '../errors.js';

export interface ReadInvitation {
  readonly body: Invitation;
  readonly coordinatorName: string;
  /** What the coordinator's people have as well, if this is their file. */
  readonly code: string;
  readonly tokenHash: Digest;
  /** As it is pinned. */
  readonly cardText: string;
}

/**
 * @throws {@link HospitalError} `FILE_MISSING`; `INVITATION_INVALID` for what is larger than an invitation, altered, or has a
 *   field that no invitation has; `INVITATION_EXPIRED`. Nothing of the file is in the message.
 */
export async function readInvitation(path: string, now = new Date()): Promise<ReadInvitation> {
  const text = await boundedText(path);
  try {
    const body = openSelfSigned('invitation', text, verifyStrict);
    const { digest } = parseUnverified('invitation', JSON.parse(text));
    const cardText = `${JSON.stringify(body.card, null, 2)}\n`;
    const card = openSelfSigned('coordinator-card', cardText, verifyStrict);
    if (card.identityKey !== body.identityKey) throw new ProtocolError('SIGNATURE_INVALID', 'another card');
    if (body.role !== 'hospital') throw refused(path, `it is for the role ${body.role}`);
    if (body.expiresAt <= now.toISOString()) {
      throw new HospitalError('INVITATION_EXPIRED', `it could be used until ${body.expiresAt}: ask for a new one`);
    }
    return {
      body,
      ...{ cardText, coordinatorName: card.name, code: digestWords(digest, CODE_WORDS) },
      tokenHash: sha256Hex(fromHex(body.token)) as Digest,
    };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw refused(path, error.message);
  }
}

const refused = (path: string, why: string): HospitalError =>
  new HospitalError('INVITATION_INVALID', `${path} is no invitation for this program: ${why}`);

async function boundedText(path: string): Promise<string> {
  // Without O_NONBLOCK a named pipe would be waited for, without end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the invitation ${path}`);
  });
  try {
    if (!(await file.stat()).isFile()) throw refused(path, 'it is not a file');
    const content = Buffer.alloc(limits.invitationBytes + 1);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    if (bytesRead > limits.invitationBytes) throw refused(path, 'it is too large');
    return content.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}
