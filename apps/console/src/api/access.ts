/** Who is signed in, for the buttons: what the server would refuse is not shown. */
import type { Permission, SessionView } from '@consilium/operator-api';
import { createContext, useContext } from 'react';

export const SessionContext = createContext<SessionView | null>(null);

export function useSignedIn(): SessionView {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('this part is shown to people who are signed in only');
  return session;
}

export const useMay = (permission: Permission): boolean => useSignedIn().operator.permissions.includes(permission);
