/** Who may take part. */
import { z } from 'zod';
import { hospital } from './fields.js';

export const hospitalSchema = z.strictObject({
  id: hospital,
  fingerprint: z.string().describe('of its public key, as people compare it by phone'),
  connected: z.boolean(),
  lastSeen: z.iso.datetime().nullable().describe('null: not since this process began to lead'),
});

export type HospitalView = z.infer<typeof hospitalSchema>;
