/** Hospitals, the words that people compare, and invitations. */
import { hospitalSchema, invitationView, rosterView } from '@consilium/operator-api';
import { useQuery } from '@tanstack/react-query';
import { z } from 'zod';
import { ask } from './client.js';
import { keys } from './keys.js';

export const useHospitals = () =>
  useQuery({ queryKey: keys.hospitals, queryFn: () => ask('hospitals', z.array(hospitalSchema)) });

/** Always fresh: what is compared must be what is. */
export const useRoster = () =>
  useQuery({ queryKey: [...keys.hospitals, 'roster'], queryFn: () => ask('roster', rosterView), staleTime: 0 });

export const useInvitations = () =>
  useQuery({
    queryKey: [...keys.hospitals, 'invitations'],
    queryFn: () => ask('invitations', z.array(invitationView)),
  });
