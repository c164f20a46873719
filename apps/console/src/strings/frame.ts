/** What the frame around every page says. */
export const frame = {
  product: 'Consilium',
  skip: 'Skip to the content',
  pages: {
    now: 'Now',
    runs: 'Runs',
    hospitals: 'Hospitals',
    newRun: 'New run',
    activity: 'Activity',
    operators: 'Operators',
  },
  navigation: 'Pages',
  openNavigation: 'Open the list of pages',
  live: 'Live',
  liveHint: 'What you see follows the coordinator without a reload.',
  reconnecting: (asOf: string | undefined) =>
    asOf === undefined
      ? 'The coordinator does not answer. Trying again …'
      : `The coordinator does not answer. What you see is as of ${asOf}; trying again …`,
  connecting: 'Connecting …',
  asOf: (time: string) => `as of ${time}`,
  researchOnly: 'Research use only',
  signOut: 'Sign out',
  colour: { label: 'Colours', light: 'Light', dark: 'Dark', auto: 'As the system' },
  account: (name: string, role: string) => `${name}, ${role}`,
  roles: { owner: 'owner', operator: 'operator', viewer: 'viewer' } as Record<string, string>,
  notFound: { title: 'Nothing is here', text: 'This address leads to no page.', action: 'Go to Now' },
  copy: 'Copy',
  copied: 'Copied',
  cancel: 'Cancel',
  close: 'Close',
  again: 'Try again',
  loading: 'Loading …',
  failed: {
    title: 'This could not be loaded',
    unreachable: 'The coordinator does not answer. This page tries again by itself.',
    version: 'The coordinator is newer or older than this page: reload it.',
    reload: 'Reload',
  },
} as const;
