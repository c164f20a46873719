/** Who takes part, and who would. */
import type { HospitalView } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { useHospitals } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Status } from '../../parts/mark.js';
import { Moment } from '../../parts/moment.js';
import { Rows, type Column } from '../../parts/rows.js';
import { hospitals as words } from '../../strings/hospitals.js';
import classes from './hospitals.module.css';

export function Hospitals(): ReactNode {
  const hospitals = useHospitals();
  return (
    <Page name={words.title} title={words.title} lead={words.lead}>
      <Card flush>
        <Answer query={hospitals} heightPx={320}>
          {(all) =>
            all.length === 0 ? (
              <Nothing title={words.none.title} text={words.none.text} />
            ) : (
              <Rows label={words.title} columns={COLUMNS} rows={all} keyOf={({ id }) => id} height="70vh" />
            )
          }
        </Answer>
      </Card>
    </Page>
  );
}

const COLUMNS: readonly Column<HospitalView>[] = [
  { key: 'id', head: words.columns.hospital, cell: ({ id }) => <span className={classes.name}>{id}</span> },
  {
    key: 'connected',
    head: words.columns.connection,
    cell: ({ connected }) => (
      <Status tone={connected ? 'good' : 'wait'}>{connected ? words.connected : words.away}</Status>
    ),
  },
  {
    key: 'seen',
    head: words.columns.lastSeen,
    numeric: true,
    leaveOut: 'phone',
    cell: ({ lastSeen }) => <Moment at={lastSeen} />,
  },
  {
    key: 'fingerprint',
    head: words.columns.fingerprint,
    leaveOut: 'tablet',
    cell: ({ fingerprint }) => <code className={classes.fingerprint}>{fingerprint}</code>,
  },
];
