/** A one-time token in the fragment of the address: read once, and out of the address bar before anything else happens. */
export type OneTimeLink = { readonly kind: 'setup' | 'link' | 'welcome'; readonly token: string };

/** @param hash - of any origin. */
export function linkOf(hash: string): OneTimeLink | undefined {
  const found = /^#(setup|link|welcome)=([A-Za-z0-9_-]{1,200})$/.exec(hash);
  const [, kind, token] = found ?? [];
  if (token === undefined) return undefined;
  return kind === 'setup' || kind === 'link' || kind === 'welcome' ? { kind, token } : undefined;
}

/** Why signing in elsewhere led nowhere: the code of the failure, or undefined. @param hash - of any origin. */
export const failureOf = (hash: string): string | undefined => /^#sign-in-failed=([A-Z_]{1,60})$/.exec(hash)?.[1];

/** Takes it out of the address and of the history, so that it is neither seen, nor copied, nor gone back to. */
export function takeLink(): OneTimeLink | undefined {
  const link = linkOf(location.hash);
  if (link !== undefined || failureOf(location.hash) !== undefined)
    history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  return link;
}
