/** A page: its heading, which gets the focus when one comes here, and what can be done on it. */
import { useEffect, useRef, type ReactNode } from 'react';
import { frame } from '../strings/frame.js';
import classes from './page.module.css';

let first = true;

export interface PageProps {
  /** Of the browser's tab. */
  readonly name: string;
  readonly title: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly above?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ name, title, lead, actions, above, children }: PageProps): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name} · ${frame.product}`;
    // A screen reader says where one came to; at the first load it reads the page from its start anyway.
    if (!first) heading.current?.focus({ preventScroll: true });
    if (!first) scrollTo(0, 0);
    first = false;
  }, [name]);
  return (
    <>
      {above}
      <div className={classes.head}>
        <div className={classes.words}>
          <h1 ref={heading} tabIndex={-1} className={classes.title}>
            {title}
          </h1>
          {lead === undefined ? null : <p className={classes.lead}>{lead}</p>}
        </div>
        {actions === undefined ? null : <div className={classes.actions}>{actions}</div>}
      </div>
      <div className={classes.body}>{children}</div>
    </>
  );
}
