export const hospitals = {
  title: 'Hospitals',
  lead: 'Who takes part in this consortium. A hospital makes its keys itself; you compare fingerprints by phone before you approve it.',
  connected: 'Connected',
  away: 'Not connected',
  columns: {
    hospital: 'Hospital',
    connection: 'Connection',
    lastSeen: 'Last seen',
    fingerprint: 'Fingerprint',
  },
  none: {
    title: 'No hospital yet',
    text: 'Invite the first one: it gets a file, makes its keys, and you compare the fingerprints by phone.',
  },
} as const;
