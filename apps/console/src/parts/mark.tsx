/** A state as shape, colour and word: no state is told by colour alone. */
import type { ReactNode } from 'react';
import classes from './mark.module.css';

export type Tone = 'good' | 'now' | 'wait' | 'late' | 'bad' | 'off';

/** Each differs in outline, so that it is told apart without colour. */
function shape(tone: Tone): ReactNode {
  switch (tone) {
    case 'good':
      return (
        <>
          <circle cx="8" cy="8" r="7" fill="currentColor" />
          <path d="M4.800 8.300l2.200 2.200 4.200-4.600" stroke="var(--surface)" strokeWidth="1.800" fill="none" />
        </>
      );
    case 'now':
      return (
        <>
          <circle cx="8" cy="8" r="6" stroke="currentColor" strokeWidth="2" fill="none" />
          <circle cx="8" cy="8" r="2.800" fill="currentColor" />
        </>
      );
    case 'wait':
      return (
        <circle cx="8" cy="8" r="6" stroke="currentColor" strokeWidth="2" strokeDasharray="2.600 2.110" fill="none" />
      );
    case 'late':
      return (
        <>
          <path d="M8 1.200L15.300 14.500H.700z" fill="currentColor" strokeLinejoin="round" />
          <path d="M8 6v4M8 11.800v.900" stroke="var(--surface)" strokeWidth="1.700" />
        </>
      );
    case 'bad':
      return (
        <>
          <rect x="1.500" y="1.500" width="13" height="13" rx="3" fill="currentColor" />
          <path d="M5.200 5.200l5.600 5.600M10.800 5.200l-5.600 5.600" stroke="var(--surface)" strokeWidth="1.800" />
        </>
      );
    case 'off':
      return <path d="M3 8h10" stroke="currentColor" strokeWidth="2.400" />;
  }
}

export function Mark({ tone, size = 14 }: { readonly tone: Tone; readonly size?: number }): ReactNode {
  return (
    <svg className={classes[tone]} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shape(tone)}
    </svg>
  );
}

export function Status({
  tone,
  title,
  children,
}: {
  readonly tone: Tone;
  readonly title?: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <span className={classes.status} {...(title === undefined ? {} : { title })}>
      <Mark tone={tone} />
      <span>{children}</span>
    </span>
  );
}

/** With a ground of its own: for the state of a run or a person. */
export function Pill({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): ReactNode {
  return (
    <span className={`${classes.pill ?? ''} ${classes[`${tone}Pill`] ?? ''}`}>
      <Mark tone={tone} size={12} />
      {children}
    </span>
  );
}
