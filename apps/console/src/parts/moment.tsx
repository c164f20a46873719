/** A moment in the viewer's zone, with UTC on hover. */
import type { ReactNode } from 'react';
import { words } from '../strings/words.js';
import { instantText, utcText } from './instant.js';

export function Moment({ at, seconds = false }: { readonly at: string | null; readonly seconds?: boolean }): ReactNode {
  if (at === null) return <span>{words.none}</span>;
  return (
    <time dateTime={at} title={utcText(at)}>
      {instantText(at, { seconds })}
    </time>
  );
}
