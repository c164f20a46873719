/** An answer of the coordinator on its way: waiting, failed, or there. What is old stays on the screen, and says so. */
import { Button, Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiFailure, isUnreachable } from '../api/client.js';
import { frame } from '../strings/frame.js';
import { failures } from '../strings/failures.js';
import classes from './answer.module.css';

export interface AnswerProps<T> {
  readonly query: UseQueryResult<T>;
  readonly children: (value: T) => ReactNode;
  /** Height of what will be there, pixels: the page does not jump. */
  readonly heightPx?: number;
}

export function Answer<T>({ query, children, heightPx = 160 }: AnswerProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) return <Failure error={query.error} again={() => void query.refetch()} />;
  return (
    <div role="status" aria-label={frame.loading}>
      <Skeleton height={heightPx} radius="lg" />
    </div>
  );
}

export function failureText(error: unknown): string {
  if (isUnreachable(error)) return frame.failed.unreachable;
  if (!(error instanceof ApiFailure)) return String(error);
  if (error.code === 'UNEXPECTED') return frame.failed.version;
  return failures[error.code] ?? error.message;
}

export function Failure({ error, again }: { readonly error: unknown; readonly again?: () => void }): ReactNode {
  const old = error instanceof ApiFailure && error.code === 'UNEXPECTED';
  return (
    <Nothing title={frame.failed.title} text={failureText(error)}>
      {old ? (
        <Button
          onClick={() => {
            location.reload();
          }}
        >
          {frame.failed.reload}
        </Button>
      ) : again === undefined ? null : (
        <Button variant="default" onClick={again}>
          {frame.again}
        </Button>
      )}
    </Nothing>
  );
}

/** Says what is not there, and what to do. */
export function Nothing({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <div className={classes.nothing}>
      <p className={classes.title}>{title}</p>
      <p className={classes.text}>{text}</p>
      {children}
    </div>
  );
}
