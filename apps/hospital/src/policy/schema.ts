/**
 * What policy.yaml says. Every field is required: a rule that was left out, or misspelt, is a mistake and not a permission.
 */
import { z } from 'zod';
import { hoursSchema, sizeSchema } from './units.js';

export const trustModes = ['secagg', 'sealed'] as const;
export type TrustMode = (typeof trustModes)[number];

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected the hash of a study: 64 hex digits');

export const policySchema = z
  .strictObject({
    version: z.literal(1),
    /** Hashes of the studies that may train here. */
    studies: z.union([z.literal('any'), z.array(hash).min(1).max(1_000)], {
      error: 'expected "any" or a list of hashes of studies',
    }),
    trustModes: z.array(z.enum(trustModes)).min(1),
    /** Fewest hospitals whose updates are added up. */
    cohortMin: z.int().min(1).max(200),
    /** Hospitals that may collude with the coordinator without learning an update; secagg only. */
    collusionToleranceMin: z.int().min(0).max(199),
    collusionToleranceMax: z.int().min(0).max(199),
    /** L2 norm of an update, dimensionless. */
    clipNormMax: z.number().positive(),
    /** Standard deviation of the noise over the clip bound; 0 demands none. */
    noiseMultiplierMin: z.number().min(0),
    epsilonMax: z.union([z.literal('any'), z.number().positive()], { error: 'expected "any" or a number above 0' }),
    /** `head`: the tensors of the head and nothing else; a list narrows them. */
    tensors: z.union([z.literal('head'), z.array(z.string().min(1).max(64)).min(1).max(100)], {
      error: 'expected "head" or a list of names of tensors',
    }),
    /** Fewest patients behind an update. */
    patientsMin: z.int().min(0),
    /** When it may train, by the clock of this machine. */
    hours: z.union([z.literal('always'), z.array(hoursSchema).min(1).max(24)], {
      error: 'expected "always" or a list such as ["19:00-07:00"]',
    }),
    coresMax: z.int().min(1).max(256),
    memoryMax: sizeSchema,
    diskMax: sizeSchema,
    sentPerRoundMax: sizeSchema,
    approval: z.enum(['required', 'none']),
    /** How many different people must approve. */
    approvers: z.int().min(1).max(2),
  })
  .refine(({ collusionToleranceMin, collusionToleranceMax }) => collusionToleranceMin <= collusionToleranceMax, {
    path: ['collusionToleranceMax'],
    error: 'is below collusionToleranceMin: no run could ever be accepted',
  });

export type Policy = z.output<typeof policySchema>;
