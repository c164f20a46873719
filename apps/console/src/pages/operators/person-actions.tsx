/** What an owner can do with another person's account. */
import {
  operatorView,
  operatorWithLink,
  type OperatorView,
  type OperatorWithLink,
  type Role,
} from '@consilium/operator-api';
import { Button, Menu } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask, tell } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { Confirm } from '../../parts/confirm.js';
import { operators as words } from '../../strings/operators.js';
import { RoleChoice } from './add-person.js';

export interface PersonActionsProps {
  readonly person: OperatorView;
  readonly made: (made: OperatorWithLink) => void;
}

export function PersonActions({ person, made }: PersonActionsProps): ReactNode {
  const client = useQueryClient();
  const [asked, setAsked] = useState<'role' | 'reset' | 'disable' | 'enable' | 'remove'>();
  const [role, setRole] = useState<Role>(person.role);
  const { name, state, from } = person;
  const path = `operators/${encodeURIComponent(name)}`;
  const close = (): void => {
    setAsked(undefined);
  };
  const change = (body: object) => async (): Promise<void> => {
    await ask(path, operatorView, { method: 'PATCH', body });
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  const reset = async (): Promise<void> => {
    made(await ask(`${path}/reset`, operatorWithLink, { method: 'POST' }));
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  const remove = async (): Promise<void> => {
    await tell(path, { method: 'DELETE' });
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  return (
    <>
      <Menu position="bottom-end" width={200}>
        <Menu.Target>
          <Button size="xs" variant="default" aria-label={words.change(name)}>
            …
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {from === 'local' ? (
            <>
              <Menu.Item
                onClick={() => {
                  setAsked('role');
                }}
              >
                {words.changeRole}
              </Menu.Item>
              <Menu.Item
                onClick={() => {
                  setAsked('reset');
                }}
              >
                {words.reset}
              </Menu.Item>
            </>
          ) : null}
          <Menu.Item
            onClick={() => {
              setAsked(state === 'disabled' ? 'enable' : 'disable');
            }}
          >
            {state === 'disabled' ? words.enable : words.disable}
          </Menu.Item>
          <Menu.Item
            onClick={() => {
              setAsked('remove');
            }}
          >
            {words.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={asked === 'role'}
        close={close}
        title={words.changeRoleTitle(name)}
        confirm={words.changeRoleConfirm}
        disabled={role === person.role}
        act={change({ role })}
      >
        <RoleChoice role={role} choose={setRole} />
      </Confirm>
      <Confirm
        opened={asked === 'reset'}
        close={close}
        title={words.resetTitle(name)}
        confirm={words.resetConfirm}
        act={reset}
      >
        {words.resetText}
      </Confirm>
      <Confirm
        opened={asked === 'disable'}
        close={close}
        title={words.disableTitle(name)}
        confirm={words.disable}
        dangerous
        act={change({ state: 'disabled' })}
      >
        {words.disableText}
      </Confirm>
      <Confirm
        opened={asked === 'enable'}
        close={close}
        title={words.enableTitle(name)}
        confirm={words.enable}
        act={change({ state: 'active' })}
      >
        {words.enableText}
      </Confirm>
      <Confirm
        opened={asked === 'remove'}
        close={close}
        title={words.removeTitle(name)}
        confirm={words.remove}
        dangerous
        act={remove}
      >
        {words.removeText}
      </Confirm>
    </>
  );
}
