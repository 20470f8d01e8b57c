// Builds the text that `serve` prints once it serves: address, data folder, durability, and a first
// command to try. Prints nothing.
import { resolve } from 'node:path';
import type { Settings } from '../settings/settings-schema.ts';
import { targetOf, urlOf } from './ask-readiness.ts';
import { tokenVariable } from './setting-spelling.ts';

interface StartFacts {
  readonly version: string;
  /** The server's address, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly neededToken: boolean;
  readonly settings: Settings;
}

function durabilityOf({ fsync, fsyncIntervalMs }: Settings): string {
  switch (fsync) {
    case 'always':
      return 'always (a write is on stable storage before it is answered)';
    case 'interval':
      return `interval (a power cut may take the last ${fsyncIntervalMs} ms of writes)`;
    case 'never':
      return 'never (a power cut may take writes that the system had not yet stored)';
    default:
      return fsync satisfies never;
  }
}

export function startBlock({ version, url, port, neededToken, settings }: StartFacts): string {
  const header = neededToken ? `-H "Authorization: Bearer $${tokenVariable}" ` : '';
  // The server may listen on all addresses of the machine. Such an address cannot be asked.
  const here = urlOf(targetOf({ ...settings, port }));
  return [
    `Holdfast ${version} listens on ${url}`,
    `  data   ${resolve(settings.dataDir)}`,
    `  fsync  ${durabilityOf(settings)}`,
    `  try    curl -i -X PUT --data-binary hello ${header}${here}/v1/keys/greeting`,
    '',
  ].join('\n');
}
