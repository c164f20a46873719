/** An invitation: a file for one hospital, shown once. */
import { issuedInvitation, type IssuedInvitation } from '@consilium/operator-api';
import { Button, Group, Modal, NumberInput, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { Confirm } from '../../parts/confirm.js';
import { saveText } from '../../parts/save.js';
import { frame } from '../../strings/frame.js';
import { hospitals as words } from '../../strings/hospitals.js';
import { ComparedWords } from './compared-words.js';

export interface InviteProps {
  readonly opened: boolean;
  readonly close: () => void;
  readonly issued: (invitation: IssuedInvitation) => void;
}

export function Invite({ opened, close, issued }: InviteProps): ReactNode {
  const client = useQueryClient();
  const [hospital, setHospital] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [validDays, setValidDays] = useState<number | string>(7);
  const invite = async (): Promise<void> => {
    const body = {
      hospital: hospital.trim(),
      ...(displayName.trim() !== '' && { displayName: displayName.trim() }),
      ...(typeof validDays === 'number' && { validDays }),
    };
    issued(await ask('invitations', issuedInvitation, { method: 'POST', body }));
    setHospital('');
    setDisplayName('');
    await client.invalidateQueries({ queryKey: keys.hospitals });
  };
  return (
    <Confirm
      opened={opened}
      close={close}
      title={words.invite}
      confirm={words.inviteConfirm}
      disabled={hospital.trim() === ''}
      act={invite}
    >
      <Stack gap="md">
        <span>{words.inviteText}</span>
        <TextInput
          label={words.id}
          description={words.idHint}
          value={hospital}
          maxLength={63}
          autoComplete="off"
          data-autofocus
          onChange={(event) => {
            setHospital(event.currentTarget.value);
          }}
        />
        <TextInput
          label={words.displayName}
          value={displayName}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => {
            setDisplayName(event.currentTarget.value);
          }}
        />
        <NumberInput label={words.validDays} value={validDays} min={1} max={90} onChange={setValidDays} />
      </Stack>
    </Confirm>
  );
}

export function Issued({
  invitation,
  close,
}: {
  readonly invitation: IssuedInvitation;
  readonly close: () => void;
}): ReactNode {
  return (
    <Modal
      opened
      onClose={close}
      title={words.issuedTitle(invitation.hospital)}
      centered
      lockScroll={false}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': frame.close }}
    >
      <Stack gap="md">
        <span>{words.issuedText}</span>
        <Button
          onClick={() => {
            saveText(invitation.file, invitation.fileName);
          }}
        >
          {words.save}
        </Button>
        <span>{words.codeText}</span>
        <ComparedWords words={invitation.code} label={words.code} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {words.done}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
