/** Live, or as of when: what is on the screen never pretends to be newer than it is. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { useConnection } from '../api/connection.js';
import { instantText } from '../parts/instant.js';
import { Status } from '../parts/mark.js';
import { frame } from '../strings/frame.js';
import classes from './live-mark.module.css';

/** A blink of the connection is not worth a banner. */
const QUIET_MS = 1_200;

export function LiveMark(): ReactNode {
  const connection = useConnection();
  const asOf = useAsOf();
  const text =
    connection === 'live'
      ? frame.live
      : connection === 'lost' && asOf !== undefined
        ? frame.asOf(asOf)
        : frame.connecting;
  return (
    <span className={classes.mark} role="status">
      <Status tone={connection === 'live' ? 'good' : 'wait'} {...(connection === 'live' && { title: frame.liveHint })}>
        {text}
      </Status>
    </span>
  );
}

export function Banner(): ReactNode {
  const connection = useConnection();
  const [shown, setShown] = useState(false);
  const asOf = useAsOf();
  useEffect(() => {
    if (connection !== 'lost') {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => {
      setShown(true);
    }, QUIET_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [connection]);
  return <div role="status">{shown ? <p className={classes.banner}>{frame.reconnecting(asOf)}</p> : null}</div>;
}

/** When the newest answer came that the page shows. */
function useAsOf(): string | undefined {
  const client = useQueryClient();
  const connection = useConnection();
  const [asOf, setAsOf] = useState<string>();
  useEffect(() => {
    if (connection !== 'lost') return undefined;
    const look = (): void => {
      const shown = client.getQueryCache().findAll({ type: 'active' });
      // The oldest of what is shown: no number on the page is older than the time that the banner names.
      const times = shown.map(({ state }) => state.dataUpdatedAt).filter((time) => time > 0);
      setAsOf(
        times.length === 0 ? undefined : instantText(new Date(Math.min(...times)).toISOString(), { seconds: true }),
      );
    };
    look();
    const timer = setInterval(look, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, [client, connection]);
  return asOf;
}
