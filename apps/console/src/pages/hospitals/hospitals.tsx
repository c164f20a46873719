/** Who takes part, and who is invited. */
import type { HospitalView, IssuedInvitation } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useMay } from '../../api/access.js';
import { useHospitals } from '../../api/membership.js';
import { useRun, useRuns } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Pill, Status, type Tone } from '../../parts/mark.js';
import { skew } from '../../parts/format.js';
import { Moment } from '../../parts/moment.js';
import { Rows, type Column } from '../../parts/rows.js';
import { contributions, type Contribution } from '../../rounds/facts.js';
import { hospitals as words } from '../../strings/hospitals.js';
import { words as common } from '../../strings/words.js';
import { ApproveHospital } from './approve.js';
import { HospitalDetails } from './details.js';
import classes from './hospitals.module.css';
import { Invitations } from './invitations.js';
import { Invite, Issued } from './invite.js';

const TONES: Record<HospitalView['state'], Tone> = { provisional: 'late', active: 'good', revoked: 'off' };
/** Beyond it, times in its logs mislead whoever compares them. */
const CLOCK_TOLERATED_MS = 5_000;
const ORDER: readonly HospitalView['state'][] = ['provisional', 'active', 'revoked'];

export function Hospitals(): ReactNode {
  const hospitals = useHospitals();
  const may = useMay('hospitals');
  const [inviting, setInviting] = useState(false);
  const [issued, setIssued] = useState<IssuedInvitation>();
  const invite = may ? (
    <Button
      onClick={() => {
        setInviting(true);
      }}
    >
      {words.invite}
    </Button>
  ) : undefined;
  return (
    <Page name={words.title} title={words.title} lead={words.lead} actions={invite}>
      <Card flush>
        <Answer query={hospitals} heightPx={320}>
          {(all) =>
            all.length === 0 ? (
              <Nothing title={words.none.title} text={words.none.text} />
            ) : (
              <Roster hospitals={all} may={may} />
            )
          }
        </Answer>
      </Card>
      <Invitations may={may} />
      <Invite
        opened={inviting}
        close={() => {
          setInviting(false);
        }}
        issued={setIssued}
      />
      {issued === undefined ? null : (
        <Issued
          invitation={issued}
          close={() => {
            setIssued(undefined);
          }}
        />
      )}
    </Page>
  );
}

function Roster({ hospitals, may }: { readonly hospitals: readonly HospitalView[]; readonly may: boolean }): ReactNode {
  const [looked, setLooked] = useState<string>();
  const [approving, setApproving] = useState<string>();
  const runs = useRuns();
  const last = runs.data?.[0]?.run;
  const sorted = [...hospitals].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id.localeCompare(b.id),
  );
  const find = (id: string | undefined): HospitalView | undefined => hospitals.find((one) => one.id === id);
  const common_ = { sorted, may, look: setLooked, approve: setApproving };
  return (
    <>
      {last === undefined ? (
        <RosterRows {...common_} rounds={new Map()} run={undefined} />
      ) : (
        <WithRounds {...common_} run={last} />
      )}
      <HospitalDetails
        hospital={find(looked)}
        may={may}
        close={() => {
          setLooked(undefined);
        }}
      />
      <ApproveHospital
        hospital={find(approving)}
        close={() => {
          setApproving(undefined);
        }}
      />
    </>
  );
}

interface RosterRowsProps {
  readonly sorted: readonly HospitalView[];
  readonly may: boolean;
  readonly look: (id: string) => void;
  readonly approve: (id: string) => void;
  readonly rounds: ReadonlyMap<string, Contribution>;
  /** The run that the rounds belong to. */
  readonly run: string | undefined;
}

function WithRounds(props: Omit<RosterRowsProps, 'rounds'> & { readonly run: string }): ReactNode {
  const run = useRun(props.run);
  return <RosterRows {...props} rounds={run.data === undefined ? new Map() : contributions(run.data)} />;
}

function RosterRows({ sorted, may, look, approve, rounds, run }: RosterRowsProps): ReactNode {
  const columns: readonly Column<HospitalView>[] = [
    {
      key: 'id',
      head: words.columns.hospital,
      width: '22%',
      cell: ({ id, displayName }) => (
        <span className={classes.name}>
          {displayName}
          {displayName === id ? null : <small>{id}</small>}
        </span>
      ),
    },
    {
      key: 'state',
      head: words.columns.state,
      cell: ({ state }) => (
        <span title={words.stateMeans[state]}>
          <Pill tone={TONES[state]}>{words.states[state]}</Pill>
        </span>
      ),
    },
    {
      key: 'connected',
      head: words.columns.connection,
      leaveOut: 'phone',
      cell: ({ connected, lastSeen, clockAheadMs }) => {
        if (!connected) {
          return (
            <Status tone="wait">
              {words.away} {lastSeen === null ? null : <Moment at={lastSeen} />}
            </Status>
          );
        }
        const isOff = clockAheadMs !== null && Math.abs(clockAheadMs) > CLOCK_TOLERATED_MS;
        return (
          <Status tone={isOff ? 'late' : 'good'}>
            <span className={classes.program}>
              {words.connected}
              {isOff ? <small>{words.clockIs(skew(clockAheadMs))}</small> : null}
            </span>
          </Status>
        );
      },
    },
    {
      key: 'rounds',
      head: run === undefined ? words.columns.rounds : `${words.columns.rounds} ${words.roundsIn(run)}`,
      numeric: true,
      leaveOut: 'tablet',
      cell: ({ id }) => {
        const given = rounds.get(id);
        return given === undefined ? common.none : words.roundsOf(given.rounds, given.of);
      },
    },
    {
      key: 'version',
      head: words.columns.version,
      leaveOut: 'tablet',
      cell: ({ version, engine }) =>
        version === null ? (
          common.none
        ) : (
          <span className={classes.program}>
            {version}
            <small>{engine}</small>
          </span>
        ),
    },
    {
      key: 'actions',
      head: <span className={classes.hidden}>{words.columns.actions}</span>,
      numeric: true,
      cell: ({ id, displayName, state }) => (
        <span className={classes.actions}>
          {may && state === 'provisional' ? (
            <Button
              size="xs"
              onClick={() => {
                approve(id);
              }}
            >
              {words.approve}
            </Button>
          ) : null}
          <Button
            size="xs"
            variant="default"
            aria-label={words.detailsOf(displayName)}
            onClick={() => {
              look(id);
            }}
          >
            {words.details}
          </Button>
        </span>
      ),
    },
  ];
  return <Rows label={words.title} columns={columns} rows={sorted} keyOf={({ id }) => id} height="70vh" />;
}
