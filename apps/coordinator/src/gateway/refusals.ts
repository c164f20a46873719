/** How the desk says no: a stable code to the peer, a line in the log, and what both sides are shown of it later. */
import type { Logger } from 'pino';
import { ProtocolError, REFUSALS, type HospitalId, type RequestName } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import type { Admission } from '../membership/admission.js';
import type { Progress } from '../run/progress.js';
import type { Caller } from './caller.js';
import { recordable } from './expulsion.js';

export interface RefusalsParts {
  readonly admission?: Admission;
  readonly log: Logger;
  readonly progress: (progress: Progress) => void;
}

export interface RefusedRequest {
  readonly name: RequestName;
  readonly caller: Caller | undefined;
  readonly requestId: string;
}

export class Refusals {
  constructor(private readonly parts: RefusalsParts) {}

  /** What the peer is told. */
  answer(
    { name, caller, requestId }: RefusedRequest,
    error: unknown,
  ): { ok: false; code: ProtocolError['code']; message: string } {
    const hospital = caller?.session.hospitalId;
    if (error instanceof StoreError) {
      this.parts.log.error(
        { code: error.code, request: name, hospital, requestId },
        'the store refused; the hospital tries again',
      );
      return { ok: false, code: 'STORE_UNAVAILABLE', message: REFUSALS.STORE_UNAVAILABLE };
    }
    if (!(error instanceof ProtocolError)) {
      this.parts.log.error(
        { err: error, request: name, hospital, requestId },
        'a request failed inside the coordinator',
      );
      return { ok: false, code: 'INTERNAL', message: REFUSALS.INTERNAL };
    }
    // Of a stranger only the first is told: a flood of them must not fill the disk with lines.
    if (hospital !== undefined || caller?.refusedBefore === false) {
      this.parts.progress({ event: 'refused', hospital, request: name, code: error.code });
    }
    if (caller !== undefined) caller.refusedBefore = true;
    this.#keepRefusal(name, caller?.session.claimedId, error.code);
    return { ok: false, code: error.code, message: error.message };
  }

  /** Both sides are shown what was tried in the name of a hospital. */
  #keepRefusal(name: RequestName, hospitalId: HospitalId | undefined, code: ProtocolError['code']): void {
    if (hospitalId === undefined || !recordable(name, code)) return;
    this.parts.admission?.noteRefusal(hospitalId, name, code).catch((error: unknown) => {
      this.parts.log.error({ err: error, hospital: hospitalId, code }, 'a refusal could not be kept');
    });
  }
}
