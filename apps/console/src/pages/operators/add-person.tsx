import { operatorWithLink, roles, type OperatorWithLink, type Role } from '@consilium/operator-api';
import { Radio, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { Confirm } from '../../parts/confirm.js';
import { operators as words } from '../../strings/operators.js';
import classes from './operators.module.css';

export interface AddPersonProps {
  readonly opened: boolean;
  readonly close: () => void;
  readonly made: (made: OperatorWithLink) => void;
}

export function AddPerson({ opened, close, made }: AddPersonProps): ReactNode {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const add = async (): Promise<void> => {
    made(await ask('operators', operatorWithLink, { method: 'POST', body: { name: name.trim(), role } }));
    setName('');
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  return (
    <Confirm
      opened={opened}
      close={close}
      title={words.add}
      confirm={words.addConfirm}
      disabled={name.trim() === ''}
      act={add}
    >
      <Stack gap="md">
        <p className={classes.text}>{words.addText}</p>
        <TextInput
          label={words.name}
          description={words.nameHint}
          value={name}
          autoComplete="off"
          data-autofocus
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <RoleChoice role={role} choose={setRole} />
      </Stack>
    </Confirm>
  );
}

export function RoleChoice({
  role,
  choose,
}: {
  readonly role: Role;
  readonly choose: (role: Role) => void;
}): ReactNode {
  return (
    <Radio.Group label={words.role} value={role}>
      <Stack gap="xs" mt="xs">
        {roles.map((value) => (
          <Radio
            key={value}
            value={value}
            label={words.roles[value]}
            description={words.roleMeans[value]}
            onChange={() => {
              choose(value);
            }}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}
