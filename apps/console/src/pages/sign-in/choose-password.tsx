/** A link that makes an account, or gives one its password: the first of the console, or one that an owner made. */
import { PASSWORD_LEAST, sessionView, type SessionView } from '@consilium/operator-api';
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { ApiFailure, ask } from '../../api/client.js';
import type { OneTimeLink } from '../../api/one-time-link.js';
import { failureText } from '../../parts/answer.js';
import { signIn as words } from '../../strings/sign-in.js';
import { Entrance } from './entrance.js';
import { typed } from './typed.js';

export interface ChoosePasswordProps {
  readonly link: OneTimeLink;
  readonly done: (session: SessionView) => void;
  readonly failed: (message: string) => void;
}

export function ChoosePassword({ link, done, failed }: ChoosePasswordProps): ReactNode {
  const first = link.kind === 'setup';
  const text = first ? words.setup : words.welcome;
  const [message, setMessage] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = (event: SyntheticEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const password = typed(form, 'password');
    if (password.length < PASSWORD_LEAST) {
      setMessage(words.setup.short);
      return;
    }
    if (password !== typed(form, 'repeat')) {
      setMessage(words.setup.differs);
      return;
    }
    setBusy(true);
    setMessage(undefined);
    const body = { token: link.token, password, ...(first && { name: typed(form, 'name') }) };
    ask(first ? 'session/setup' : 'session/welcome', sessionView, { method: 'POST', body }).then(
      done,
      (error: unknown) => {
        setBusy(false);
        const fault = error instanceof ApiFailure ? error : undefined;
        if (fault !== undefined && [401, 403, 404, 409, 410].includes(fault.status)) failed(text.refused);
        else setMessage(fault?.fields[0]?.message ?? failureText(error));
      },
    );
  };
  return (
    <Entrance title={text.title} lead={text.lead}>
      <form onSubmit={submit}>
        <Stack gap="md">
          {message === undefined ? null : (
            <Alert color="orange" variant="light" role="alert">
              {message}
            </Alert>
          )}
          {first ? (
            <TextInput
              label={words.setup.name}
              description={words.setup.nameHint}
              name="name"
              autoComplete="username"
              required
              withAsterisk={false}
              autoFocus
            />
          ) : null}
          <PasswordInput
            label={words.setup.password}
            description={words.setup.passwordHint}
            name="password"
            autoComplete="new-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ 'aria-label': words.showPassword }}
          />
          <PasswordInput
            label={words.setup.repeat}
            name="repeat"
            autoComplete="new-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ 'aria-label': words.showPassword }}
          />
          <Button type="submit" loading={busy} fullWidth>
            {text.action}
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
