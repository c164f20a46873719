/** Who is signed in, the colours, and the way out. */
import { Button, Menu, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useSignedIn } from '../api/access.js';
import { tell } from '../api/client.js';
import { keys } from '../api/keys.js';
import { Icon } from '../parts/icons.js';
import { frame } from '../strings/frame.js';
import classes from './account.module.css';
import { ChangePassword } from './change-password.js';

const SCHEMES = ['auto', 'light', 'dark'] as const satisfies readonly MantineColorScheme[];

export function Account(): ReactNode {
  const { operator, byPassword } = useSignedIn();
  const [changing, setChanging] = useState(false);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const client = useQueryClient();
  const signOut = async (): Promise<void> => {
    await tell('session', { method: 'DELETE' }).catch(() => undefined);
    client.clear();
    client.setQueryData(keys.session, null);
  };
  return (
    <>
      <Menu position="bottom-end" width={220} withinPortal>
        <Menu.Target>
          <Button variant="subtle" color="gray" className={classes.button ?? ''} leftSection={<Icon name="person" />}>
            <span className={classes.name}>{operator.name}</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{frame.account(operator.name, frame.roles[operator.role] ?? operator.role)}</Menu.Label>
          <Menu.Divider />
          <Menu.Label>{frame.colour.label}</Menu.Label>
          {SCHEMES.map((scheme) => (
            <Menu.Item
              key={scheme}
              role="menuitemradio"
              aria-checked={colorScheme === scheme}
              rightSection={colorScheme === scheme ? <Icon name="check" size={16} /> : null}
              onClick={() => {
                setColorScheme(scheme);
              }}
            >
              {frame.colour[scheme]}
            </Menu.Item>
          ))}
          <Menu.Divider />
          {byPassword ? (
            <Menu.Item
              onClick={() => {
                setChanging(true);
              }}
            >
              {frame.password.title}
            </Menu.Item>
          ) : null}
          <Menu.Item onClick={() => void signOut()}>{frame.signOut}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePassword
        opened={changing}
        close={() => {
          setChanging(false);
        }}
      />
    </>
  );
}
