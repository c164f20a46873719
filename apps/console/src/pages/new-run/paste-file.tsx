/** Fills the form from a run file. The coordinator reads it, so that one program alone knows what a run file is. */
import { runCheck } from '@consilium/operator-api';
import { Textarea } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ApiFailure, ask } from '../../api/client.js';
import { Confirm } from '../../parts/confirm.js';
import { newRun as words } from '../../strings/new-run.js';
import { withValue, type Draft } from './draft.js';
import classes from './new-run.module.css';

export interface PasteFileProps {
  readonly opened: boolean;
  readonly close: () => void;
  readonly fill: (draft: Draft) => void;
}

export function PasteFile({ opened, close, fill }: PasteFileProps): ReactNode {
  const [text, setText] = useState('');
  const read = async (): Promise<void> => {
    const { effective } = await ask('runs/check', runCheck, { method: 'POST', yaml: text });
    const given = effective.filter(({ from, value }) => from === 'file' && value !== null);
    if (given.length === 0) throw new ApiFailure('RUN_FILE_INVALID', words.pasteUnreadable, 422);
    fill(given.reduce<Draft>((draft, { field, value }) => withValue(draft, field, value), {}));
    setText('');
  };
  return (
    <Confirm
      opened={opened}
      close={close}
      title={words.pasteTitle}
      confirm={words.pasteConfirm}
      disabled={text.trim() === ''}
      act={read}
    >
      <p className={classes.soft}>{words.pasteText}</p>
      <Textarea
        label={words.pasteLabel}
        value={text}
        rows={12}
        spellCheck={false}
        data-autofocus
        classNames={{ input: classes.mono ?? '' }}
        onChange={(event) => {
          setText(event.currentTarget.value);
        }}
      />
    </Confirm>
  );
}
