// Explains in one line why the server could not listen.
import { systemErrorCode } from '../base/errors.ts';
import { CommandError, exitCodes } from './command-error.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

const explanations: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; stop what listens there, or set another one with --port',
  EACCES: 'not permitted; ports below 1024 need privileges, set another one with --port',
  EADDRNOTAVAIL: 'this machine does not have that address; set another one with --host',
  ENOTFOUND: 'that host name has no address; set another one with --host',
};

export function listenError(error: unknown, { host, port }: Address): CommandError {
  const code = systemErrorCode(error);
  const why = (code === undefined ? undefined : explanations[code]) ?? String(error);
  const message = `cannot listen on ${host}, port ${port}: ${why}`;
  return new CommandError(exitCodes.failed, message, error);
}
