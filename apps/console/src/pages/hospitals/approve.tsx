/** Approving a hospital, after people have compared the words of the roster. */
import { hospitalSchema, type HospitalView } from '@consilium/operator-api';
import { Alert, Checkbox, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useSignedIn } from '../../api/access.js';
import { ask } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { useRoster } from '../../api/membership.js';
import { Answer } from '../../parts/answer.js';
import { Confirm } from '../../parts/confirm.js';
import { hospitals as words } from '../../strings/hospitals.js';
import { ComparedWords } from './compared-words.js';

const HOWS = ['phone', 'video', 'in-person'] as const;

export interface ApproveProps {
  readonly hospital: HospitalView | undefined;
  readonly close: () => void;
}

export function ApproveHospital({ hospital, close }: ApproveProps): ReactNode {
  const client = useQueryClient();
  const me = useSignedIn().operator.name;
  const roster = useRoster();
  const [comparedBy, setComparedBy] = useState(me);
  const [how, setHow] = useState<string>('phone');
  /** The words that were ticked: of others the tick does not hold. */
  const [same, setSame] = useState<string>();
  const shown = roster.data?.words;
  const name = hospital?.displayName ?? '';
  const approve = async (): Promise<void> => {
    await ask(`hospitals/${encodeURIComponent(hospital?.id ?? '')}/approve`, hospitalSchema, {
      method: 'POST',
      body: { comparedBy: comparedBy.trim(), how, words: same },
    });
    setSame(undefined);
    await client.invalidateQueries({ queryKey: keys.hospitals });
  };
  return (
    <Confirm
      opened={hospital !== undefined}
      close={close}
      title={words.approveTitle(name)}
      confirm={words.approveConfirm}
      disabled={shown === undefined || same !== shown || comparedBy.trim() === ''}
      act={approve}
    >
      <Stack gap="md">
        <span>{words.approveText(name)}</span>
        <Answer query={roster}>{(view) => <ComparedWords words={view.words} label={words.rosterWords} />}</Answer>
        <Alert color="orange" variant="light">
          {words.approveWarning}
        </Alert>
        <TextInput
          label={words.comparedBy}
          value={comparedBy}
          maxLength={100}
          onChange={(event) => {
            setComparedBy(event.currentTarget.value);
          }}
        />
        <NativeSelect
          label={words.howLabel}
          value={how}
          data={HOWS.map((value) => ({ value, label: words.how[value] }))}
          onChange={(event) => {
            setHow(event.currentTarget.value);
          }}
        />
        <Checkbox
          label={words.same}
          checked={shown !== undefined && same === shown}
          onChange={(event) => {
            setSame(event.currentTarget.checked ? shown : undefined);
          }}
        />
      </Stack>
    </Confirm>
  );
}
