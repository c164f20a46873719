/** Drawn here: no icon font, no request. Decorative: the text beside says what they mean. */
import type { ReactNode } from 'react';

const SHAPES = {
  now: 'M3 12h4l3-8 4 16 3-8h4',
  runs: 'M4 6h16M4 12h16M4 18h10',
  hospitals: 'M4 21V6l8-3 8 3v15M4 21h16M12 9v6M9 12h6',
  'new-run': 'M12 5v14M5 12h14',
  activity: 'M12 7v5l3 2M21 12a9 9 0 1 1-3-6.700',
  operators:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M2.500 20c0-3.600 2.900-6 6.500-6s6.500 2.400 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6M18 14.500c2.200.8 3.500 2.900 3.500 5.500',
  menu: 'M4 7h16M4 12h16M4 17h16',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4 3.600-7 8-7s8 3 8 7',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  pause: 'M9 5v14M15 5v14',
  play: 'M7 5l12 7-12 7z',
  stop: 'M6 6h12v12H6z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  back: 'M15 5l-7 7 7 7',
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }): ReactNode {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
