/** Puts a text on the clipboard, and says that it did. */
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { frame } from '../strings/frame.js';
import { Icon } from './icons.js';

/** @param what - what is copied, for who does not see where the button is. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }): ReactNode {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => {
      setCopied(false);
    }, 2_000);
  };
  return (
    <Button
      size="xs"
      variant="subtle"
      leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />}
      aria-label={`${copied ? frame.copied : frame.copy}: ${what}`}
      onClick={() => void copy()}
    >
      {copied ? frame.copied : frame.copy}
    </Button>
  );
}

/** The clipboard of a browser is there over TLS and on loopback only. */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way without TLS
    document.execCommand('copy');
    area.remove();
  }
}
