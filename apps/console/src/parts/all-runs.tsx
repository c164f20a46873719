/** The way back from one run, or two, to the list. */
import type { ReactNode } from 'react';
import { run as words } from '../strings/runs.js';
import classes from './all-runs.module.css';
import { Icon } from './icons.js';

export function AllRuns(): ReactNode {
  return (
    <a className={classes.back} href="#/runs">
      <Icon name="back" size={16} />
      {words.all}
    </a>
  );
}
