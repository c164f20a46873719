/** What the pages ask for. Live pages are asked again when the coordinator says that something changed. */
import {
  activityPage,
  operatorView,
  runDetail,
  runSummary,
  sessionView,
  signInWays,
  tokenView,
  type ActivityPage,
} from '@consilium/operator-api';
import { QueryClient, useInfiniteQuery, useQuery, type InfiniteData } from '@tanstack/react-query';
import { z } from 'zod';
import { ApiFailure, ask, isUnreachable } from './client.js';
import { keys } from './keys.js';

/** Without the live channel, as behind a proxy that carries none: seldom, so that it is a net and not a habit. */
const SELDOM_MS = 20_000;

export const makeQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // The page decides by what failed, not by what the browser believes about its network.
        networkMode: 'always',
        refetchOnWindowFocus: true,
        refetchInterval: SELDOM_MS,
        retry: (failures, error) => isUnreachable(error) && failures < 100,
        retryDelay: (failures) => Math.min(5_000, 500 * 2 ** failures),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });

/** null: nobody is signed in. */
export const useSession = () =>
  useQuery({
    queryKey: keys.session,
    queryFn: async () => {
      try {
        return await ask('session', sessionView);
      } catch (error) {
        if (error instanceof ApiFailure && error.status === 401) return null;
        throw error;
      }
    },
  });

export const useSignInWays = () =>
  useQuery({ queryKey: ['sign-in-ways'], queryFn: () => ask('session/ways', signInWays), staleTime: 60_000 });

export const useRuns = () => useQuery({ queryKey: keys.runs, queryFn: () => ask('runs', z.array(runSummary)) });

export const useRun = (run: string) =>
  useQuery({ queryKey: keys.run(run), queryFn: () => ask(`runs/${encodeURIComponent(run)}`, runDetail) });

export const useOperators = () =>
  useQuery({ queryKey: keys.operators, queryFn: () => ask('operators', z.array(operatorView)) });

export const useTokens = () =>
  useQuery({ queryKey: [...keys.operators, 'tokens'], queryFn: () => ask('tokens', z.array(tokenView)) });

const ACTIVITY_PAGE = 200;

/** @param filter - names and values of the query, without empty ones. */
export const useActivity = (filter: Readonly<Record<string, string>>) =>
  useInfiniteQuery<ActivityPage, Error, InfiniteData<ActivityPage>, readonly unknown[], string | null>({
    queryKey: [...keys.activity, filter],
    queryFn: ({ pageParam }) =>
      ask(
        `activity?${new URLSearchParams({
          ...filter,
          limit: String(ACTIVITY_PAGE),
          ...(pageParam === null ? {} : { before: pageParam }),
        }).toString()}`,
        activityPage,
      ),
    initialPageParam: null,
    getNextPageParam: ({ next }) => next,
    // Many pages are asked again one after the other: only when something happened.
    refetchInterval: false,
  });
