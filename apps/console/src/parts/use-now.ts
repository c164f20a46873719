/** A clock for what ticks: the coordinator's time, which stands still while nothing is heard of the coordinator. */
import { useEffect, useState } from 'react';
import { useConnection } from '../api/connection.js';
import { serverNow } from '../api/server-clock.js';

/** @param ticks - false: the time is not asked for, as of a run that has ended. */
export function useNow(ticks = true): number {
  const live = useConnection() !== 'lost';
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!live || !ticks) return undefined;
    setNow(serverNow());
    const timer = setInterval(() => {
      setNow(serverNow());
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, [live, ticks]);
  return now;
}
