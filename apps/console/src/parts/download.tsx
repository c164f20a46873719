/** Fetches a file and hands it to the browser. A failure is said beside the button, not saved as a file. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { fetchFile } from '../api/client.js';
import { failureText } from './answer.js';
import classes from './download.module.css';
import { Icon } from './icons.js';
import { saveBlob } from './save.js';

export interface DownloadProps {
  /** Below the API. */
  readonly path: string;
  /** When the answer names none. */
  readonly fileName: string;
  readonly children: string;
  /** An icon alone: the text is its name for screen readers. */
  readonly compact?: boolean;
}

export function Download({ path, fileName, children, compact = false }: DownloadProps): ReactNode {
  const fetching = useMutation({
    mutationFn: () => fetchFile(path),
    onSuccess: ({ blob, name }) => {
      saveBlob(blob, name ?? fileName);
    },
  });
  return (
    <span className={classes.download}>
      {compact ? (
        <button
          type="button"
          className={classes.icon}
          aria-label={children}
          title={children}
          disabled={fetching.isPending}
          onClick={() => {
            fetching.mutate();
          }}
        >
          <Icon name="download" />
        </button>
      ) : (
        <Button
          variant="default"
          leftSection={<Icon name="download" />}
          loading={fetching.isPending}
          onClick={() => {
            fetching.mutate();
          }}
        >
          {children}
        </Button>
      )}
      {fetching.error === null ? null : (
        <span role="alert" className={classes.failure}>
          {failureText(fetching.error)}
        </span>
      )}
    </span>
  );
}
