/**
 * Addresses are fragments (`#/runs/demo`): they need nothing from the server, work below a path of a proxy, and never reach
 * a log. One-time tokens come in the fragment as well (`#link=...`), and are taken out of it at once.
 */
import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'now' | 'runs' | 'hospitals' | 'new-run' | 'activity' | 'operators' | 'unknown' }
  | { readonly page: 'run'; readonly run: string }
  | { readonly page: 'compare'; readonly runs: readonly [string | undefined, string | undefined] };

/** @param hash - of the address, with its `#`. Of any origin. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decoded);
  const [first, second, ...rest] = parts;
  if (rest.length > 0) return { page: 'unknown' };
  if (first === 'runs' && second !== undefined) return { page: 'run', run: second };
  if (second !== undefined) return { page: 'unknown' };
  if (first === 'compare') {
    const asked = new URLSearchParams(query);
    return { page: 'compare', runs: [asked.get('a') ?? undefined, asked.get('b') ?? undefined] };
  }
  switch (first) {
    case undefined:
    case 'now':
      return { page: 'now' };
    case 'runs':
    case 'hospitals':
    case 'new-run':
    case 'activity':
    case 'operators':
      return { page: first };
    default:
      return { page: 'unknown' };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const hrefOfRun = (run: string): string => `#/runs/${encodeURIComponent(run)}`;
export const hrefOfComparison = (a: string, b: string): string =>
  `#/compare?${new URLSearchParams({ a, b }).toString()}`;
export const hrefOfActivity = (run: string): string => `#/activity?${new URLSearchParams({ run }).toString()}`;

/** What follows `?` in the fragment. */
export const queryOf = (hash: string): URLSearchParams => new URLSearchParams(hash.split('?')[1] ?? '');

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => {
    removeEventListener('hashchange', listener);
  };
}

export const useHash = (): string => useSyncExternalStore(subscribe, () => location.hash);

export function go(href: string): void {
  location.hash = href;
}
