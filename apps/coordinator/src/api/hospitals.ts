/** Who may take part, and who is there. */
import { fromHex } from '@consilium/bytes';
import { fingerprint } from '@consilium/crypto';
import type { HospitalId } from '@consilium/protocol';
import { enrolledHospitals, type Home } from '../home.js';
import type { Progress } from '../run/progress.js';
import type { HospitalView } from '@consilium/operator-api';

export class Hospitals {
  readonly #lastSeen = new Map<HospitalId, string>();

  /** @param present - hospitals with a session. */
  constructor(
    private readonly home: Home,
    private readonly present: () => readonly HospitalId[],
  ) {}

  note(step: Progress): void {
    if (step.event === 'connected' || step.event === 'disconnected') {
      this.#lastSeen.set(step.hospital, new Date().toISOString());
    }
  }

  /** In hospital order. @throws CoordinatorError `ENROLMENT_INVALID`. */
  async list(): Promise<HospitalView[]> {
    const present = new Set(this.present());
    return (await enrolledHospitals(this.home)).map(({ hospitalId, identityKey }) => ({
      id: hospitalId,
      fingerprint: fingerprint(fromHex(identityKey)),
      connected: present.has(hospitalId),
      lastSeen: present.has(hospitalId) ? new Date().toISOString() : (this.#lastSeen.get(hospitalId) ?? null),
    }));
  }
}
