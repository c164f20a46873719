/** Pause, resume and abort, for who may; each says first what it does. */
import { runDetail, type RunSummary } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useMay } from '../api/access.js';
import { ask } from '../api/client.js';
import { keys } from '../api/keys.js';
import { now } from '../strings/now.js';
import { Confirm } from './confirm.js';
import { Icon } from './icons.js';

type Decision = 'pause' | 'resume' | 'abort';

export interface RunActionsProps {
  readonly run: string;
  readonly status: RunSummary['status'];
}

export function RunActions({ run, status }: RunActionsProps): ReactNode {
  const may = useMay('runs');
  const client = useQueryClient();
  const [asked, setAsked] = useState<Decision>();
  if (!may || status === 'finished' || status === 'aborted' || status === 'failed') return null;
  const close = (): void => {
    setAsked(undefined);
  };
  const decide = (decision: Decision) => async (): Promise<void> => {
    const detail = await ask(`runs/${encodeURIComponent(run)}/${decision}`, runDetail, { method: 'POST' });
    client.setQueryData(keys.run(run), detail);
    void client.invalidateQueries({ queryKey: keys.runs });
  };
  const { actions } = now;
  return (
    <>
      {status === 'paused' ? (
        <Button
          size="sm"
          leftSection={<Icon name="play" size={16} />}
          onClick={() => {
            setAsked('resume');
          }}
        >
          {actions.resume}
        </Button>
      ) : (
        <Button
          size="sm"
          variant="default"
          leftSection={<Icon name="pause" size={16} />}
          onClick={() => {
            setAsked('pause');
          }}
        >
          {actions.pause}
        </Button>
      )}
      <Button
        size="sm"
        variant="default"
        leftSection={<Icon name="stop" size={16} />}
        onClick={() => {
          setAsked('abort');
        }}
      >
        {actions.abort}
      </Button>
      <Confirm
        opened={asked === 'pause'}
        close={close}
        title={actions.pauseTitle(run)}
        confirm={actions.pauseConfirm}
        act={decide('pause')}
      >
        {actions.pauseText}
      </Confirm>
      <Confirm
        opened={asked === 'resume'}
        close={close}
        title={actions.resumeTitle(run)}
        confirm={actions.resumeConfirm}
        act={decide('resume')}
      >
        {actions.resumeText}
      </Confirm>
      <Confirm
        opened={asked === 'abort'}
        close={close}
        title={actions.abortTitle(run)}
        confirm={actions.abortConfirm}
        dangerous
        typed={{ label: actions.abortLabel(run), value: run }}
        act={decide('abort')}
      >
        {actions.abortText}
      </Confirm>
    </>
  );
}
