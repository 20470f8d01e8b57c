// Explains in one line why the server could not listen. Knows no flag.
import { systemErrorCode } from '../base/errors.ts';
import type { SettingName, Settings } from '../settings/settings-schema.ts';

type Address = Pick<Settings, 'host' | 'port'>;

interface Explanation {
  readonly why: string;
  /** The setting that the operator may change. */
  readonly setting: SettingName & keyof Address;
}

const explanations: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: {
    why: 'the port is in use; stop what listens there, or set another one',
    setting: 'port',
  },
  EACCES: {
    why: 'not permitted; ports below 1024 need privileges, set another one',
    setting: 'port',
  },
  EADDRNOTAVAIL: {
    why: 'this machine does not have that address; set another one',
    setting: 'host',
  },
  ENOTFOUND: { why: 'that host name has no address; set another one', setting: 'host' },
};

export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The setting that the message asks to set; undefined if it asks for nothing. */
  readonly setting: SettingName | undefined;

  /** @param cause the error with which the system has refused to listen */
  constructor({ host, port }: Address, cause: unknown) {
    const known = explanations[systemErrorCode(cause) ?? ''];
    super(`cannot listen on ${host}, port ${port}: ${known?.why ?? String(cause)}`, { cause });
    this.setting = known?.setting;
  }
}
