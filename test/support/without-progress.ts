/** What a command printed on standard error, without how far it had come: slow machines are told. */
export function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^[a-z ]+: [^\n]*\bMiB\n/gm, '');
}
