/** One hospital: its key, how it came here, and what was tried in its name. */
import { hospitalSchema, type HospitalView } from '@consilium/operator-api';
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { Confirm } from '../../parts/confirm.js';
import { skew } from '../../parts/format.js';
import { Moment } from '../../parts/moment.js';
import { frame } from '../../strings/frame.js';
import { hospitals as words } from '../../strings/hospitals.js';
import { ComparedWords } from './compared-words.js';
import classes from './hospitals.module.css';

export interface DetailsProps {
  readonly hospital: HospitalView | undefined;
  readonly may: boolean;
  readonly close: () => void;
}

export function HospitalDetails({ hospital, may, close }: DetailsProps): ReactNode {
  const [revoking, setRevoking] = useState<string>();
  return (
    <>
      <Modal
        opened={hospital !== undefined && revoking === undefined}
        onClose={close}
        title={hospital?.displayName}
        size="lg"
        centered
        lockScroll={false}
        closeButtonProps={{ 'aria-label': frame.close }}
      >
        {hospital === undefined ? null : (
          <Stack gap="lg">
            <Facts hospital={hospital} />
            {may && hospital.state !== 'revoked' ? (
              <Group justify="flex-end">
                <Button
                  variant="default"
                  onClick={() => {
                    setRevoking(hospital.id);
                  }}
                >
                  {words.revoke}
                </Button>
              </Group>
            ) : null}
          </Stack>
        )}
      </Modal>
      <Revoke
        id={revoking}
        close={() => {
          setRevoking(undefined);
          close();
        }}
      />
    </>
  );
}

function Facts({ hospital }: { readonly hospital: HospitalView }): ReactNode {
  const { detail } = words;
  const { invited, approved, verified, revoked, rotatedAt, refusals } = hospital;
  return (
    <dl className={classes.detail}>
      <dt>{detail.name}</dt>
      <dd>{hospital.id}</dd>
      <dt>{detail.words}</dt>
      <dd>
        <ComparedWords words={hospital.words} label={detail.words} />
      </dd>
      <dt>{detail.fingerprint}</dt>
      <dd>
        <code className={classes.fingerprint}>{hospital.fingerprint}</code>
      </dd>
      <dt>{detail.invited}</dt>
      <dd>
        <Moment at={invited.at} /> {detail.by(invited.by)}
      </dd>
      <dt>{detail.joined}</dt>
      <dd>
        <Moment at={hospital.joinedAt} />
      </dd>
      <dt>{detail.approved}</dt>
      <dd>
        <Moment at={approved?.at ?? null} />
        {approved === null
          ? null
          : ` ${detail.by(approved.by)}, ${detail.comparedBy(approved.comparedBy, words.how[approved.how])}`}
      </dd>
      <dt>{detail.verified}</dt>
      <dd>
        <Moment at={verified?.at ?? null} />
        {verified === null ? null : ` ${detail.comparedBy(verified.comparedBy, words.how[verified.how])}`}
        {verified?.isCurrent === false ? ` – ${detail.stale}` : null}
      </dd>
      {rotatedAt === null ? null : (
        <>
          <dt>{detail.rotated}</dt>
          <dd>
            <Moment at={rotatedAt} />
          </dd>
        </>
      )}
      {revoked === null ? null : (
        <>
          <dt>{detail.revoked}</dt>
          <dd>
            <Moment at={revoked.at} /> {detail.by(revoked.by)}: {revoked.reason}
          </dd>
        </>
      )}
      <dt>{detail.version}</dt>
      <dd>{hospital.version ?? detail.unknown}</dd>
      <dt>{detail.engine}</dt>
      <dd>{hospital.engine ?? detail.unknown}</dd>
      <dt>{detail.clock}</dt>
      <dd>{hospital.clockAheadMs === null ? detail.unknown : skew(hospital.clockAheadMs)}</dd>
      {refusals.length === 0 ? null : (
        <>
          <dt>{detail.refusals}</dt>
          <dd>
            {refusals.slice(-5).map(({ at, request, code }) => (
              <div key={`${at}${request}`}>
                <Moment at={at} seconds /> {request}: {code}
              </div>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}

function Revoke({ id, close }: { readonly id: string | undefined; readonly close: () => void }): ReactNode {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const name = id ?? '';
  return (
    <Confirm
      opened={id !== undefined}
      close={close}
      title={words.revokeTitle(name)}
      confirm={words.revokeConfirm}
      dangerous
      disabled={reason.trim() === ''}
      typed={{ label: words.revokeTyped(name), value: name }}
      act={async () => {
        await ask(`hospitals/${encodeURIComponent(name)}/revoke`, hospitalSchema, {
          method: 'POST',
          body: { reason: reason.trim() },
        });
        setReason('');
        await client.invalidateQueries({ queryKey: keys.hospitals });
      }}
    >
      <Stack gap="md">
        <span>{words.revokeText}</span>
        <TextInput
          label={words.reason}
          value={reason}
          maxLength={100}
          onChange={(event) => {
            setReason(event.currentTarget.value);
          }}
        />
      </Stack>
    </Confirm>
  );
}
