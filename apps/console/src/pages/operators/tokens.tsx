/** Tokens of programs. */
import {
  permissions,
  tokenWithSecret,
  type Permission,
  type TokenView,
  type TokenWithSecret,
} from '@consilium/operator-api';
import { Button, Checkbox, NumberInput, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask, tell } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { useTokens } from '../../api/queries.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Confirm } from '../../parts/confirm.js';
import { Moment } from '../../parts/moment.js';
import { Once } from '../../parts/once.js';
import { Rows } from '../../parts/rows.js';
import { operators } from '../../strings/operators.js';
import classes from './operators.module.css';

const words = operators.tokens;

export function Tokens(): ReactNode {
  const tokens = useTokens();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<TokenWithSecret>();
  return (
    <Card
      title={words.title}
      flush
      aside={
        <Button
          variant="default"
          size="sm"
          onClick={() => {
            setAdding(true);
          }}
        >
          {words.add}
        </Button>
      }
    >
      <p className={classes.lead}>{words.lead}</p>
      <Answer query={tokens}>
        {(all) =>
          all.length === 0 ? <Nothing title={words.none.title} text={words.none.text} /> : <TokenRows tokens={all} />
        }
      </Answer>
      <AddToken
        opened={adding}
        close={() => {
          setAdding(false);
        }}
        made={setMade}
      />
      {made === undefined ? null : (
        <Once
          title={words.secretTitle(made.token.name)}
          text={words.secretText}
          label={words.secret}
          secret={made.secret}
          done={operators.done}
          close={() => {
            setMade(undefined);
          }}
        />
      )}
    </Card>
  );
}

function TokenRows({ tokens }: { readonly tokens: readonly TokenView[] }): ReactNode {
  return (
    <Rows
      label={words.title}
      rows={tokens}
      keyOf={({ name }) => name}
      columns={[
        { key: 'name', head: words.columns.name, cell: ({ name }) => name },
        {
          key: 'scopes',
          head: words.columns.scopes,
          leaveOut: 'phone',
          cell: ({ scopes }) => scopes.map((scope) => words.scopeMeans[scope]).join(', '),
        },
        { key: 'by', head: words.columns.by, leaveOut: 'tablet', cell: ({ createdBy }) => createdBy },
        {
          key: 'used',
          head: words.columns.used,
          numeric: true,
          leaveOut: 'tablet',
          cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} />,
        },
        {
          key: 'expires',
          head: words.columns.expires,
          numeric: true,
          cell: ({ expiresAt }) => (expiresAt === null ? words.never : <Moment at={expiresAt} />),
        },
        {
          key: 'actions',
          head: <span className={classes.hidden}>{words.columns.actions}</span>,
          numeric: true,
          cell: ({ name }) => <Revoke name={name} />,
        },
      ]}
    />
  );
}

function Revoke({ name }: { readonly name: string }): ReactNode {
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        onClick={() => {
          setAsked(true);
        }}
      >
        {words.revoke}
      </Button>
      <Confirm
        opened={asked}
        close={() => {
          setAsked(false);
        }}
        title={words.revokeTitle(name)}
        confirm={words.revoke}
        dangerous
        act={async () => {
          await tell(`tokens/${encodeURIComponent(name)}`, { method: 'DELETE' });
          await client.invalidateQueries({ queryKey: keys.operators });
        }}
      >
        {words.revokeText}
      </Confirm>
    </>
  );
}

interface AddTokenProps {
  readonly opened: boolean;
  readonly close: () => void;
  readonly made: (made: TokenWithSecret) => void;
}

function AddToken({ opened, close, made }: AddTokenProps): ReactNode {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Permission[]>(['read']);
  const [days, setDays] = useState<number | string>(90);
  const add = async (): Promise<void> => {
    const body = { name: name.trim(), scopes, ...(typeof days === 'number' && { days }) };
    made(await ask('tokens', tokenWithSecret, { method: 'POST', body }));
    setName('');
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  return (
    <Confirm
      opened={opened}
      close={close}
      title={words.add}
      confirm={words.confirm}
      disabled={name.trim() === '' || scopes.length === 0}
      act={add}
    >
      <Stack gap="md">
        <TextInput
          label={words.name}
          description={operators.nameHint}
          value={name}
          autoComplete="off"
          data-autofocus
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <Checkbox.Group label={words.scopes} value={[...scopes]}>
          <Stack gap="xs" mt="xs">
            {permissions.map((scope) => (
              <Checkbox
                key={scope}
                value={scope}
                label={words.scopeMeans[scope]}
                onChange={(event) => {
                  setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope));
                }}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        <NumberInput label={words.days} value={days} min={1} max={3_650} allowDecimal={false} onChange={setDays} />
      </Stack>
    </Confirm>
  );
}
