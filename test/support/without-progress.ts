/** Drops progress lines from a command's standard error. Only a slow machine prints them. */
export function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^[a-z ]+: [^\n]*\bMiB\n/gm, '');
}
