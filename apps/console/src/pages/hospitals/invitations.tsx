/** Invitations that are open, and what became of the others. */
import type { InvitationView } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { tell } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { useInvitations } from '../../api/membership.js';
import { Answer } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Confirm } from '../../parts/confirm.js';
import { Pill, type Tone } from '../../parts/mark.js';
import { Moment } from '../../parts/moment.js';
import { Rows } from '../../parts/rows.js';
import { hospitals } from '../../strings/hospitals.js';
import classes from './hospitals.module.css';

const words = hospitals.invitations;
const TONES: Record<InvitationView['state'], Tone> = { open: 'now', used: 'good', cancelled: 'off', expired: 'off' };

export function Invitations({ may }: { readonly may: boolean }): ReactNode {
  const invitations = useInvitations();
  return (
    <Card title={words.title} flush>
      <Answer query={invitations}>
        {(all) =>
          all.length === 0 ? (
            <p className={classes.soft}>{words.none}</p>
          ) : (
            <Rows
              label={words.title}
              rows={all}
              keyOf={({ id }) => id}
              height="420px"
              columns={[
                {
                  key: 'hospital',
                  head: words.columns.hospital,
                  cell: ({ displayName, hospital, role }) => (
                    <span className={classes.name}>
                      {displayName}
                      {displayName === hospital ? null : <small>{hospital}</small>}
                      {role === 'auditor' ? <small>{words.auditor}</small> : null}
                    </span>
                  ),
                },
                {
                  key: 'state',
                  head: words.columns.state,
                  cell: ({ state }) => <Pill tone={TONES[state]}>{words.states[state]}</Pill>,
                },
                { key: 'by', head: words.columns.by, leaveOut: 'phone', cell: ({ by }) => by },
                {
                  key: 'expires',
                  head: words.columns.expires,
                  numeric: true,
                  cell: ({ expiresAt }) => <Moment at={expiresAt} />,
                },
                {
                  key: 'actions',
                  head: <span className={classes.hidden}>{words.columns.actions}</span>,
                  numeric: true,
                  cell: (invitation) =>
                    may && invitation.state === 'open' ? <Withdraw invitation={invitation} /> : null,
                },
              ]}
            />
          )
        }
      </Answer>
    </Card>
  );
}

function Withdraw({ invitation: { id, displayName } }: { readonly invitation: InvitationView }): ReactNode {
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
        {words.withdraw}
      </Button>
      <Confirm
        opened={asked}
        close={() => {
          setAsked(false);
        }}
        title={words.withdrawTitle(displayName)}
        confirm={words.withdraw}
        act={async () => {
          await tell(`invitations/${encodeURIComponent(id)}`, { method: 'DELETE' });
          await client.invalidateQueries({ queryKey: keys.hospitals });
        }}
      >
        {words.withdrawText}
      </Confirm>
    </>
  );
}
