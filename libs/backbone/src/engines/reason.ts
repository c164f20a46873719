/** One line on why an engine did not start, without a path of this machine: it goes to a screen and into a log. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split('\n', 1)[0] ?? '';
  return line.replaceAll(/(?:file:\/\/|[A-Za-z]:)?[\\/][^\s'":]+/g, '<path>').slice(0, 300);
}
