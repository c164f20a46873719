/** Words that appear on several pages. */
/** Of numbers and dates: that of the words. The zone is the viewer's. */
export const LOCALE = 'en-GB';

export const words = {
  none: '–',
  notVisible: 'not visible in this mode',
  clockAgrees: 'within 1 s',
  clockAhead: (by: string) => `${by} ahead`,
  clockBehind: (by: string) => `${by} behind`,
  and: (names: readonly string[], others: number) => {
    const shown = others > 0 ? [...names, `${others} more`] : names;
    return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${String(shown.at(-1))}`;
  },
  hospitals: (n: number) => `${n} ${n === 1 ? 'hospital' : 'hospitals'}`,
  rounds: (n: number) => `${n} ${n === 1 ? 'round' : 'rounds'}`,
  images: (n: number) => `${n} ${n === 1 ? 'image' : 'images'}`,
  roundOf: (round: number, rounds: number) => `Round ${round} of ${rounds}`,
  status: { running: 'Running', paused: 'Paused', finished: 'Finished', aborted: 'Aborted', failed: 'Failed' },
  modes: { secagg: 'Secure aggregation', sealed: 'Sealed to the coordinator' } as Record<string, string>,
  metrics: {
    loss: 'Loss',
    accuracy: 'Accuracy',
    balancedAccuracy: 'Balanced accuracy',
    auc: 'AUC',
  } as Record<string, string>,
  permissionMissing: 'Your role may see this, not change it.',
  fingerprint: 'Fingerprint',
  yes: 'yes',
  no: 'no',
} as const;
