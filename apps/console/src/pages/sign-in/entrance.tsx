/** The one card that is shown to people who are not signed in. */
import { useEffect, type ReactNode } from 'react';
import { frame } from '../../strings/frame.js';
import classes from './entrance.module.css';

export interface EntranceProps {
  readonly title: string;
  readonly lead?: string;
  readonly children: ReactNode;
}

export function Entrance({ title, lead, children }: EntranceProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · ${frame.product}`;
  }, [title]);
  return (
    <main className={classes.ground}>
      <div className={classes.card}>
        <p className={classes.brand}>
          <img src="./icon.svg" alt="" width="34" height="34" />
          {frame.product}
        </p>
        <h1 className={classes.title}>{title}</h1>
        {lead === undefined ? null : <p className={classes.lead}>{lead}</p>}
        {children}
      </div>
      <p className={classes.honest}>{frame.researchOnly}</p>
    </main>
  );
}
