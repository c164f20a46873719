/** A secret that is shown once, with a way to copy it. */
import { Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { frame } from '../strings/frame.js';
import { Copy } from './copy.js';
import classes from './once.module.css';

export interface OnceProps {
  readonly title: string;
  readonly text: ReactNode;
  readonly label: string;
  readonly secret: string;
  readonly close: () => void;
  readonly done: string;
}

export function Once({ title, text, label, secret, close, done }: OnceProps): ReactNode {
  return (
    <Modal
      opened
      onClose={close}
      title={title}
      centered
      size="lg"
      lockScroll={false}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': frame.close }}
    >
      <Stack gap="md">
        <p className={classes.text}>{text}</p>
        <div className={classes.secret}>
          <code aria-label={label}>{secret}</code>
          <Copy text={secret} what={label} />
        </div>
        <Group justify="flex-end">
          <Button onClick={close}>{done}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
