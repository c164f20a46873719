/** People and programs that may ask this coordinator something; for owners. */
import type { OperatorView, OperatorWithLink } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useSignedIn } from '../../api/access.js';
import { useOperators } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { Answer } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Pill, type Tone } from '../../parts/mark.js';
import { Moment } from '../../parts/moment.js';
import { Once } from '../../parts/once.js';
import { Rows } from '../../parts/rows.js';
import { operators as words } from '../../strings/operators.js';
import { AddPerson } from './add-person.js';
import classes from './operators.module.css';
import { PersonActions } from './person-actions.js';
import { Tokens } from './tokens.js';

const TONES: Record<OperatorView['state'], Tone> = { invited: 'wait', active: 'good', disabled: 'off' };

export function Operators(): ReactNode {
  const people = useOperators();
  const me = useSignedIn().operator.name;
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<OperatorWithLink>();
  return (
    <Page
      name={words.title}
      title={words.title}
      lead={words.lead}
      actions={
        <Button
          onClick={() => {
            setAdding(true);
          }}
        >
          {words.add}
        </Button>
      }
    >
      <Card flush>
        <Answer query={people}>
          {(all) => (
            <Rows
              label={words.title}
              rows={all}
              keyOf={({ name }) => name}
              columns={[
                {
                  key: 'name',
                  head: words.columns.name,
                  cell: ({ name, from }) => (
                    <span className={classes.name}>
                      {name}
                      {name === me ? <small>{words.you}</small> : null}
                      {from === 'oidc' ? <small>{words.from.oidc}</small> : null}
                    </span>
                  ),
                },
                {
                  key: 'role',
                  head: words.columns.role,
                  cell: ({ role }) => <span title={words.roleMeans[role]}>{words.roles[role]}</span>,
                },
                {
                  key: 'state',
                  head: words.columns.state,
                  cell: ({ state, lockedUntil }) =>
                    lockedUntil === null ? (
                      <Pill tone={TONES[state]}>{words.states[state]}</Pill>
                    ) : (
                      <Pill tone="late">{words.locked}</Pill>
                    ),
                },
                {
                  key: 'last',
                  head: words.columns.lastSeen,
                  numeric: true,
                  leaveOut: 'phone',
                  cell: ({ lastSignInAt }) => <Moment at={lastSignInAt} />,
                },
                {
                  key: 'actions',
                  head: <span className={classes.hidden}>{words.columns.actions}</span>,
                  numeric: true,
                  cell: (person) => (person.name === me ? null : <PersonActions person={person} made={setMade} />),
                },
              ]}
            />
          )}
        </Answer>
      </Card>
      <Tokens />
      <AddPerson
        opened={adding}
        close={() => {
          setAdding(false);
        }}
        made={setMade}
      />
      {made === undefined ? null : (
        <Once
          title={words.linkTitle(made.operator.name)}
          text={
            <>
              {words.linkText} <Moment at={made.link.expiresAt} />.
            </>
          }
          label={words.link}
          secret={welcomeLink(made.link.token)}
          done={words.done}
          close={() => {
            setMade(undefined);
          }}
        />
      )}
    </Page>
  );
}

/** The token is in the fragment, which no browser sends to a server. */
const welcomeLink = (token: string): string => `${new URL('.', document.baseURI).href}#welcome=${token}`;
