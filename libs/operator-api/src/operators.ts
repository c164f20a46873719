/** Accounts and API tokens. */
import { z } from 'zod';
import { instant } from './fields.js';
import { permissionSchema, roleSchema } from './roles.js';
import { accountName } from './sessions.js';

export const operatorView = z.strictObject({
  name: z.string(),
  role: roleSchema,
  state: z.enum(['invited', 'active', 'disabled']).describe('invited: has not chosen a password yet'),
  from: z.enum(['local', 'oidc']).describe('oidc: signs in elsewhere, and gets the role from there at each time'),
  createdAt: instant,
  createdBy: z.string(),
  lastSignInAt: instant.nullable(),
  lockedUntil: instant.nullable().describe('after failed passwords; a link still signs in'),
});

/** Shown once. The console makes `ORIGIN/#welcome=TOKEN` of it. */
export const linkView = z.strictObject({ token: z.string(), expiresAt: instant });

export const newOperator = z.strictObject({ name: accountName, role: roleSchema });
export const operatorChange = z
  .strictObject({ role: roleSchema.optional(), state: z.enum(['active', 'disabled']).optional() })
  .refine(({ role, state }) => role !== undefined || state !== undefined, 'expected role or state');
/** Of POST /operators, /operators/NAME/reset and /operators/NAME/link. */
export const operatorWithLink = z.strictObject({ operator: operatorView, link: linkView });

export const tokenView = z.strictObject({
  name: z.string(),
  scopes: z.array(permissionSchema),
  createdAt: instant,
  createdBy: z.string().describe('it works while this operator does, and allows no more than that'),
  lastUsedAt: instant.nullable(),
  expiresAt: instant.nullable(),
});
export const newToken = z.strictObject({
  name: accountName,
  scopes: z.array(permissionSchema).min(1).max(5),
  days: z.int().min(1).max(3_650).optional().describe('until it expires; without it, never'),
});
export const tokenWithSecret = z.strictObject({
  token: tokenView,
  secret: z.string().describe('shown once: Authorization: Bearer SECRET'),
});

export type OperatorView = z.infer<typeof operatorView>;
export type LinkView = z.infer<typeof linkView>;
export type NewOperator = z.infer<typeof newOperator>;
export type OperatorChange = z.infer<typeof operatorChange>;
export type OperatorWithLink = z.infer<typeof operatorWithLink>;
export type TokenView = z.infer<typeof tokenView>;
export type NewToken = z.infer<typeof newToken>;
export type TokenWithSecret = z.infer<typeof tokenWithSecret>;
