// Shows on standard error how far a run is: one line that changes in a terminal, lines elsewhere.

const clearLine = '\r\x1b[K';

export function tellProgress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? clearLine + text : `${text}\n`);
}

/** The next output begins on a line of its own. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(clearLine);
}
