/** The way in: a password, a one-time link, or the first account. */
import { sessionView, type SessionView } from '@consilium/operator-api';
import { Alert, Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode, type SyntheticEvent } from 'react';
import { ApiFailure, apiUrl, ask } from '../../api/client.js';
import type { OneTimeLink } from '../../api/one-time-link.js';
import { useSignInWays } from '../../api/queries.js';
import { failureText } from '../../parts/answer.js';
import { failures } from '../../strings/failures.js';
import { signIn as words } from '../../strings/sign-in.js';
import { ChoosePassword } from './choose-password.js';
import { Entrance } from './entrance.js';
import { typed } from './typed.js';

export interface SignInProps {
  readonly link: OneTimeLink | undefined;
  /** The code of a sign-in elsewhere that led nowhere. */
  readonly failed: string | undefined;
  /** undefined: the link led nowhere. */
  readonly done: (session: SessionView | undefined) => void;
}

export function SignIn({ link, failed: code, done }: SignInProps): ReactNode {
  const [refused, setRefused] = useState(
    code === undefined ? undefined : (failures[code] ?? words.elsewhereFailed(code)),
  );
  if (link === undefined) return <WithPassword done={done} refused={refused} />;
  const failed = (message: string): void => {
    setRefused(message);
    done(undefined);
  };
  if (link.kind === 'link') return <FollowLink token={link.token} done={done} failed={failed} />;
  return <ChoosePassword link={link} done={done} failed={failed} />;
}

function FollowLink({
  token,
  done,
  failed,
}: {
  readonly token: string;
  readonly done: (session: SessionView) => void;
  readonly failed: (message: string) => void;
}): ReactNode {
  // A link works once, and an effect may run twice.
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    ask('session/link', sessionView, { method: 'POST', body: { token } }).then(done, (error: unknown) => {
      failed(
        error instanceof ApiFailure && error.status >= 400 && error.status < 429
          ? words.linkRefused
          : failureText(error),
      );
    });
  });
  return (
    <Entrance title={words.title}>
      <p role="status">{words.linkWorking}</p>
    </Entrance>
  );
}

function WithPassword({
  done,
  refused,
}: {
  readonly done: (session: SessionView) => void;
  readonly refused: string | undefined;
}): ReactNode {
  const ways = useSignInWays();
  const [message, setMessage] = useState(refused);
  const [busy, setBusy] = useState(false);
  const submit = (event: SyntheticEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setMessage(undefined);
    const body = { name: typed(form, 'name'), password: typed(form, 'password') };
    ask('session', sessionView, { method: 'POST', body }).then(done, (error: unknown) => {
      setBusy(false);
      setMessage(signInFailure(error));
    });
  };
  return (
    <Entrance title={words.title} lead={words.lead}>
      <form onSubmit={submit}>
        <Stack gap="md">
          {message === undefined ? null : (
            <Alert color="orange" variant="light" role="alert">
              {message}
            </Alert>
          )}
          {ways.data?.setup === true ? (
            <Alert variant="light" title={words.setupOpen.title}>
              {words.setupOpen.text}
            </Alert>
          ) : null}
          <TextInput label={words.name} name="name" autoComplete="username" required withAsterisk={false} autoFocus />
          <PasswordInput
            label={words.password}
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ 'aria-label': words.showPassword }}
          />
          <Button type="submit" loading={busy} fullWidth>
            {words.action}
          </Button>
          {ways.data?.oidc == null ? null : (
            <Anchor href={apiUrl('session/oidc')} ta="center">
              {words.withProvider(ways.data.oidc.label)}
            </Anchor>
          )}
        </Stack>
      </form>
    </Entrance>
  );
}

function signInFailure(error: unknown): string {
  if (error instanceof ApiFailure && error.status === 401) return words.refused;
  if (error instanceof ApiFailure && error.status === 429) return words.limited;
  return failureText(error);
}
