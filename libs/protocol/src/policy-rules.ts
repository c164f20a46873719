/**
 * The rules of a hospital's own policy, by name: all that anyone outside learns of a refusal. What the hospital's limit is,
 * and by how much it was missed, stays there.
 */
import { z } from 'zod';

export const policyRules = [
  /** The policy itself cannot be read: nothing is done until a person has seen to it. */
  'POLICY_UNREADABLE',
  'STUDY_NOT_ALLOWED',
  'TRUST_MODE_NOT_ALLOWED',
  'COHORT_TOO_SMALL',
  'COLLUSION_TOLERANCE',
  'CLIP_NORM_TOO_LARGE',
  'NOISE_TOO_SMALL',
  'EPSILON_TOO_LARGE',
  'TENSOR_NOT_ALLOWED',
  'BYTES_PER_ROUND',
  'TOO_FEW_PATIENTS',
  'OUTSIDE_HOURS',
  'MEMORY',
  'DISK',
  /** A person of the hospital said no. */
  'NOT_APPROVED',
] as const;

export const policyRuleSchema = z.enum(policyRules);
export type PolicyRule = z.infer<typeof policyRuleSchema>;
