/** Claims: each role may do what the product's description says, and nothing more. Oracle: the table, written out by hand. */
import { describe, expect, it } from 'vitest';
import { mayDo, permissions, roles } from './roles.js';

const MAY: Readonly<Record<string, string>> = {
  viewer: 'read',
  auditor: 'read audit',
  operator: 'read audit runs hospitals',
  owner: 'read audit runs hospitals operators',
};

describe.each(roles)('%s', (role) => {
  it.each(permissions)('%s', (permission) => {
    expect(mayDo(role, permission)).toBe(MAY[role]?.split(' ').includes(permission));
  });
});
