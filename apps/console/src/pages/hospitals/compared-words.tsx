import type { ReactNode } from 'react';
import classes from './hospitals.module.css';

/** Words that people read to each other: numbered, so that they know where they are. */
export function ComparedWords({ words, label }: { readonly words: string; readonly label: string }): ReactNode {
  return (
    <ol className={classes.words} aria-label={label}>
      {words.split(/\s+/).map((word, index) => (
        <li key={`${index}:${word}`}>{word}</li>
      ))}
    </ol>
  );
}
