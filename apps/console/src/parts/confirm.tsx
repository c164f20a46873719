/** Asks before it does: what will happen, in words, and what cannot be undone only after the name was typed. */
import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { frame } from '../strings/frame.js';
import { failureText } from './answer.js';

export interface ConfirmProps {
  readonly opened: boolean;
  readonly close: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly confirm: string;
  readonly dangerous?: boolean;
  /** Must be typed first. */
  readonly typed?: { readonly label: string; readonly value: string };
  readonly disabled?: boolean;
  readonly act: () => Promise<unknown>;
}

export function Confirm(props: ConfirmProps): ReactNode {
  return (
    <Modal
      opened={props.opened}
      onClose={props.close}
      title={props.title}
      centered
      lockScroll={false}
      closeButtonProps={{ 'aria-label': frame.close }}
    >
      {props.opened ? <Question {...props} /> : null}
    </Modal>
  );
}

function Question({ close, children, confirm, dangerous, typed, disabled, act }: ConfirmProps): ReactNode {
  const [text, setText] = useState('');
  const doing = useMutation({ mutationFn: act, onSuccess: close });
  const ready = disabled !== true && (typed === undefined || text === typed.value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) doing.mutate();
      }}
    >
      <Stack gap="md">
        <div>{children}</div>
        {typed === undefined ? null : (
          <TextInput
            label={typed.label}
            value={text}
            autoComplete="off"
            data-autofocus
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
        )}
        {doing.error === null ? null : (
          <Alert color="orange" variant="light" role="alert">
            {failureText(doing.error)}
          </Alert>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close}>
            {frame.cancel}
          </Button>
          <Button
            type="submit"
            loading={doing.isPending}
            disabled={!ready}
            {...(dangerous === true && { color: 'red.9' })}
          >
            {confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
