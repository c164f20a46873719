/** One connection's way from stranger to hospital: hello -> challenge -> proof. Nothing else is answered before the end. */
import { randomBytes } from 'node:crypto';
import { fromHex, toHex } from '@consilium/bytes';
import { signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import {
  negotiateVersion,
  openStatement,
  PROTOCOL_VERSION,
  ProtocolError,
  signStatement,
  type Envelope,
  type HospitalId,
  type Request,
} from '@consilium/protocol';

/** @returns The public key of a member, hex; undefined for a stranger. @throws ProtocolError `HOSPITAL_REVOKED`. */
export type KeyOf = (hospitalId: HospitalId) => Promise<string | undefined>;

interface Asked {
  readonly protocol: number;
  readonly hospitalId: HospitalId;
  readonly clientNonce: string;
  readonly serverNonce: string;
}

export class Session {
  #asked: Asked | undefined;
  #claimed: HospitalId | undefined;
  #proved: { readonly hospitalId: HospitalId; readonly key: Uint8Array; readonly protocol: number } | undefined;

  constructor(
    private readonly coordinator: Identity,
    private readonly keyOf: KeyOf,
  ) {}

  get hospitalId(): HospitalId | undefined {
    return this.#proved?.hospitalId;
  }

  /** @throws {@link ProtocolError} `NOT_AUTHENTICATED`. */
  authenticated(): { readonly hospitalId: HospitalId; readonly key: Uint8Array } {
    if (this.#proved === undefined) throw new ProtocolError('NOT_AUTHENTICATED');
    return this.#proved;
  }

  /**
   * Proves who the coordinator is, over the hospital's nonce, and asks the hospital to do the same.
   *
   * @throws {@link ProtocolError} `VERSION_UNSUPPORTED`. `MESSAGE_INVALID` once a proof was accepted: a connection stays
   *   the hospital's that it was, so that its end is that hospital's absence.
   */
  hello(request: Request<'hello'>): { challenge: Envelope } {
    this.#refuseTwice();
    const protocol = negotiateVersion(request.versions);
    if (protocol === undefined) {
      const { min, max } = request.versions;
      throw new ProtocolError(
        'VERSION_UNSUPPORTED',
        `hospital ${min} to ${max}, coordinator up to ${PROTOCOL_VERSION}`,
      );
    }
    const asked = {
      protocol,
      hospitalId: request.hospitalId,
      clientNonce: request.nonce,
      serverNonce: toHex(randomBytes(32)),
    };
    this.#asked = asked;
    this.#claimed = request.hospitalId;
    const { envelope } = signStatement('challenge', { v: 1, ...asked }, 'coordinator', (bytes) =>
      signBytes(this.coordinator, bytes),
    );
    return { challenge: envelope };
  }

  /** @throws {@link ProtocolError} when the proof is not for this very challenge; the challenge is used up either way. */
  async prove({ answer }: Request<'prove'>): Promise<{ protocol: number }> {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked === undefined) throw new ProtocolError('NOT_AUTHENTICATED', 'hello comes first');
    const enrolledKey = await this.keyOf(asked.hospitalId);
    // Another proof may have been accepted meanwhile.
    this.#refuseTwice();
    if (enrolledKey === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN');
    const key = fromHex(enrolledKey);
    const { body } = openStatement('challenge-answer', answer, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    const same =
      body.protocol === asked.protocol &&
      body.hospitalId === asked.hospitalId &&
      body.clientNonce === asked.clientNonce &&
      body.serverNonce === asked.serverNonce &&
      body.coordinatorKey === toHex(this.coordinator.publicKey);
    if (!same) throw new ProtocolError('SIGNATURE_INVALID', 'the proof is for another challenge');
    this.#proved = { hospitalId: asked.hospitalId, key, protocol: asked.protocol };
    return { protocol: asked.protocol };
  }

  /**
   * The way in without a key that is known: by an invitation. The challenge is used up either way.
   *
   * @param admit - checks the proof over the challenge. @returns The key that it holds, hex.
   */
  async join(admit: (asked: Asked) => Promise<string>): Promise<void> {
    this.#refuseTwice();
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked === undefined) throw new ProtocolError('NOT_AUTHENTICATED', 'hello comes first');
    const key = fromHex(await admit(asked));
    this.#refuseTwice();
    this.#proved = { hospitalId: asked.hospitalId, key, protocol: asked.protocol };
  }

  /** Who it says it is, before it has proved it. */
  get claimedId(): HospitalId | undefined {
    return this.#proved?.hospitalId ?? this.#claimed;
  }

  #refuseTwice(): void {
    if (this.#proved !== undefined) throw new ProtocolError('MESSAGE_INVALID', 'this connection has proved who it is');
  }
}
