import { PASSWORD_LEAST, sessionView } from '@consilium/operator-api';
import { PasswordInput, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../api/client.js';
import { keys } from '../api/keys.js';
import { Confirm } from '../parts/confirm.js';
import { frame } from '../strings/frame.js';

const words = frame.password;

export function ChangePassword({ opened, close }: { readonly opened: boolean; readonly close: () => void }): ReactNode {
  const client = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = async (): Promise<void> => {
    const session = await ask('session/password', sessionView, { method: 'PUT', body: { current, next } });
    client.setQueryData(keys.session, session);
    setCurrent('');
    setNext('');
  };
  return (
    <Confirm
      opened={opened}
      close={close}
      title={words.title}
      confirm={words.confirm}
      disabled={current === '' || next.length < PASSWORD_LEAST}
      act={change}
    >
      <Stack gap="md">
        <span>{words.text}</span>
        <PasswordInput
          label={words.current}
          autoComplete="current-password"
          value={current}
          visibilityToggleButtonProps={{ 'aria-label': words.show }}
          onChange={(event) => {
            setCurrent(event.currentTarget.value);
          }}
        />
        <PasswordInput
          label={words.next}
          description={words.hint}
          autoComplete="new-password"
          value={next}
          visibilityToggleButtonProps={{ 'aria-label': words.show }}
          onChange={(event) => {
            setNext(event.currentTarget.value);
          }}
        />
      </Stack>
    </Confirm>
  );
}
