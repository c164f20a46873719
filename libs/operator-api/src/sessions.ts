/** Signing in. Secrets of links travel in the fragment of an address (`/#setup=...`) and in bodies, never in a request line. */
import { z } from 'zod';
import { instant } from './fields.js';
import { permissionSchema, roleSchema } from './roles.js';

/** The header that repeats {@link sessionView} `csrf` on every request that changes something. */
export const CSRF_HEADER = 'x-consilium-csrf';

/** A name as people choose it for an account or a token: part of addresses and lists, so it is plain. */
export const accountName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?$/, 'expected a-z, 0-9 and inner . _ @ -, at most 64')
  .describe('a-z, 0-9 and inner . _ @ -');

export const PASSWORD_LEAST = 12;
export const newPassword = z
  .string()
  .min(PASSWORD_LEAST, `expected at least ${PASSWORD_LEAST} characters`)
  .max(256)
  .describe('12 to 256 characters');

/** 32 random bytes, base64url. */
const linkToken = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected the token of a link');

export const sessionView = z.strictObject({
  operator: z.strictObject({ name: z.string(), role: roleSchema, permissions: z.array(permissionSchema) }),
  csrf: z.string().describe(`header ${CSRF_HEADER} of every request that changes something`),
  expiresAt: instant.describe('unless something is asked for before; never later than the absolute end'),
  byPassword: z.boolean().describe('false: the account has no password here, so it has none to change'),
});

/** What a page that nobody has signed in at offers. */
export const signInWays = z.strictObject({
  setup: z.boolean().describe('nobody has an account yet: the link that the coordinator printed makes the first'),
  oidc: z.strictObject({ label: z.string() }).nullable().describe('sign in elsewhere: GET /session/oidc'),
});

/** Of what was typed wrong only the size is checked: a password of other rules must be answered like any wrong one. */
export const signIn = z.strictObject({ name: z.string().max(256), password: z.string().max(1_024) });
export const setUp = z.strictObject({ token: linkToken, name: accountName, password: newPassword });
/** Fragment `#link=`: signs in, once. */
export const followLink = z.strictObject({ token: linkToken });
/** Fragment `#welcome=`: chooses a password for a new account, or for one whose password was reset, and signs in. */
export const followWelcome = z.strictObject({ token: linkToken, password: newPassword });
export const changePassword = z.strictObject({ current: z.string().max(1_024), next: newPassword });

export type SessionView = z.infer<typeof sessionView>;
export type SignInWays = z.infer<typeof signInWays>;
export type SignIn = z.infer<typeof signIn>;
export type SetUp = z.infer<typeof setUp>;
export type FollowLink = z.infer<typeof followLink>;
export type FollowWelcome = z.infer<typeof followWelcome>;
export type ChangePassword = z.infer<typeof changePassword>;
