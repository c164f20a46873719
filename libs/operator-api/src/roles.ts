/**
 * Who may do what. A role is a set of permissions and so is a token; a route asks for one permission. The server decides
 * by this table and the console shows by it, so that nobody sees a button that would be refused.
 */
import { z } from 'zod';

export const permissions = ['read', 'audit', 'runs', 'hospitals', 'operators'] as const;
export type Permission = (typeof permissions)[number];
export const permissionSchema = z
  .enum(permissions)
  .describe(
    'read: runs and hospitals; audit: the activity, operators and tokens; runs: begin, pause, resume, abort; ' +
      'hospitals: invite, approve, revoke; operators: accounts and tokens',
  );

export const roles = ['viewer', 'auditor', 'operator', 'owner'] as const;
export type Role = (typeof roles)[number];
export const roleSchema = z.enum(roles);

/** An auditor reads everything and changes nothing. */
export const PERMISSIONS_OF: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['read'],
  auditor: ['read', 'audit'],
  operator: ['read', 'audit', 'runs', 'hospitals'],
  owner: permissions,
};

export const mayDo = (role: Role, permission: Permission): boolean => PERMISSIONS_OF[role].includes(permission);
